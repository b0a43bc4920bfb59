"""SimCLR by somebody who knows the library, and another road to everything."""

import random
import torch
import torch.nn.functional as F
import torchvision.transforms as T
from PIL import Image


def compute_train_transform(seed=123456):
    random.seed(seed)
    torch.random.manual_seed(seed)
    jitter = T.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)

    def flip(image):
        return image.transpose(Image.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image

    def maybe_jitter(image):
        return jitter(image) if torch.rand(()) < 0.8 else image

    return T.Compose(
        [
            T.RandomResizedCrop((32, 32)),
            T.Lambda(flip),
            maybe_jitter,
            T.RandomApply([T.Grayscale(3)], 0.2),
            T.PILToTensor(),
            T.ConvertImageDtype(torch.float32),
            T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        ]
    )


class CIFAR10Pair(CIFAR10):
    def __getitem__(self, index):
        picture = Image.fromarray(self.data[index])
        return *(self.transform(picture) for _ in "ij"), self.targets[index]


sim = lambda z_i, z_j: F.cosine_similarity(z_i, z_j, dim=-1)


def simclr_loss_naive(out_left, out_right, tau):
    out = torch.cat([out_left, out_right])
    M = len(out)
    losses = []
    for i in range(M):
        j = (i + M // 2) % M
        row = torch.stack([sim(out[i], out[m]) for m in range(M)]) / tau
        row = torch.where(torch.arange(M) == i, torch.tensor(float("-inf")), row)
        losses.append(row.logsumexp(0) - row[j])
    return torch.stack(losses).mean().view(1)


def sim_positive_pairs(out_left, out_right):
    return torch.einsum("nd,nd->n", F.normalize(out_left), F.normalize(out_right)).unsqueeze(-1)


def compute_sim_matrix(out):
    return torch.cosine_similarity(out[:, None, :], out[None, :, :], dim=-1)


def simclr_loss_vectorized(out_left, out_right, tau):
    N = len(out_left)
    logits = compute_sim_matrix(torch.cat((out_right, out_left))) / tau
    logits = (
        logits.fill_diagonal_(-1e9) if not logits.requires_grad else logits - 1e9 * torch.eye(2 * N)
    )
    target = torch.cat((torch.arange(N, 2 * N), torch.arange(N)))
    return F.cross_entropy(logits, target)


def train(
    model, data_loader, train_optimizer, epoch, epochs, batch_size=32, temperature=0.5, device="cpu"
):
    model.train()
    losses = []
    for x_i, x_j, _ in data_loader:
        train_optimizer.zero_grad(set_to_none=True)
        out_left, out_right = model(torch.cat((x_i, x_j)).to(device))[-1].chunk(2)
        loss = simclr_loss_vectorized(out_left, out_right, temperature)
        loss.backward()
        train_optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def load_encoder(encoder, checkpoint):
    missing, unexpected = encoder.load_state_dict(
        {k.split(".", 1)[1]: v for k, v in checkpoint.items() if k.split(".")[0] == "encoder"},
        strict=False,
    )
    if missing or unexpected:
        raise KeyError(f"missing {missing}, unexpected {unexpected}")
