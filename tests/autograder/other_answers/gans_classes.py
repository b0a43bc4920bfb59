def sample_noise(batch_size, dim, seed=None):
    rng = np.random.RandomState(seed)
    return torch.tensor(rng.uniform(-1, 1, size=(batch_size, dim)), dtype=torch.float)


class Discriminator(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.out = nn.Linear(hidden, 1)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc1 = nn.Linear(784, hidden)
        self.act = nn.LeakyReLU()

    def forward(self, img):
        h = self.act(self.fc1(img.flatten(start_dim=1)))
        h = self.act(self.fc2(h))
        return self.out(h).squeeze(1)


def discriminator():
    return Discriminator()


class Generator(nn.Module):
    def __init__(self, noise_dim):
        super().__init__()
        self.body = nn.ModuleList([nn.Linear(noise_dim, 1024), nn.Linear(1024, 1024)])
        self.head = nn.Linear(1024, 28 * 28)

    def forward(self, z):
        for layer in self.body:
            z = layer(z).clamp(min=0)
        return torch.tanh(self.head(z)).view(-1, 1, 28, 28)


def generator(noise_dim=96):
    return Generator(noise_dim)


def bce_loss(input, target):
    # stable: log(1+e^s) - s t
    return torch.mean(F.softplus(input) - target * input)


def discriminator_loss(logits_real, logits_fake):
    return -F.logsigmoid(logits_real).mean() - F.logsigmoid(-logits_fake).mean()


def generator_loss(logits_fake):
    return (
        F.binary_cross_entropy_with_logits(
            logits_fake, torch.full_like(logits_fake, 1.0), reduction="sum"
        )
        / logits_fake.numel()
    )


def get_optimizer(model):
    params = [p for p in model.parameters() if p.requires_grad]
    return optim.Adam([{"params": params, "betas": (0.5, 0.999)}], lr=1e-3, amsgrad=False)


def ls_discriminator_loss(scores_real, scores_fake):
    mse = nn.MSELoss(reduction="mean")
    return 0.5 * mse(scores_real, torch.ones_like(scores_real)) + 0.5 * mse(
        scores_fake, torch.zeros_like(scores_fake)
    )


def ls_generator_loss(scores_fake):
    diff = scores_fake.reshape(-1) - 1
    return 0.5 * diff.dot(diff) / diff.shape[0]


class DCClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = nn.Sequential(
            nn.Linear(4 * 4 * 64, 4 * 4 * 64), nn.LeakyReLU(0.01), nn.Linear(4 * 4 * 64, 1)
        )
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.conv1 = nn.Conv2d(1, 32, 5)

    def forward(self, x):
        x = x.view(x.size(0), 1, 28, 28)
        x = F.max_pool2d(F.leaky_relu(self.conv1(x), 0.01), 2)
        x = F.max_pool2d(F.leaky_relu(self.conv2(x), 0.01), 2, stride=2)
        return self.classifier(torch.flatten(x, 1))


def build_dc_classifier(batch_size=None):
    return DCClassifier()


class DCGenerator(nn.Module):
    def __init__(self, noise_dim):
        super().__init__()
        self.bn = nn.ModuleList(
            [nn.BatchNorm2d(64), nn.BatchNorm1d(7 * 7 * 128), nn.BatchNorm1d(1024)]
        )
        self.fc = nn.ModuleList([nn.Linear(noise_dim, 1024), nn.Linear(1024, 7 * 7 * 128)])
        self.up = nn.ModuleDict(
            {
                "last": nn.ConvTranspose2d(64, 1, 4, 2, 1),
                "first": nn.ConvTranspose2d(128, 64, 4, 2, 1),
            }
        )

    def forward(self, z):
        h = self.bn[2](F.relu(self.fc[0](z)))
        h = self.bn[1](F.relu(self.fc[1](h)))
        h = h.reshape(-1, 128, 7, 7)
        h = self.bn[0](F.relu(self.up["first"](h)))
        return self.up["last"](h).tanh().reshape(z.shape[0], 784)


def build_dc_generator(noise_dim=96):
    return DCGenerator(noise_dim)
