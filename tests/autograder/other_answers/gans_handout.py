from __future__ import print_function
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import init
import torch.optim as optim
import numpy as np
import PIL
from torch.autograd import Variable
from cs231n.data_utils import load_mnist

NOISE_DIM = 96
dtype = torch.FloatTensor


def sample_noise(batch_size, dim, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    low, high = -1.0, 1.0
    return (high - low) * torch.rand((batch_size, dim), dtype=torch.float32) + low


class Flatten(nn.Module):
    def forward(self, x):
        N, C, H, W = x.size() if x.dim() == 4 else (x.size(0), 1, 28, 28)
        return x.view(N, -1)


class Unflatten(nn.Module):
    def __init__(self, N=-1, C=128, H=7, W=7):
        super(Unflatten, self).__init__()
        self.N, self.C, self.H, self.W = N, C, H, W

    def forward(self, x):
        return x.view(self.N, self.C, self.H, self.W)


def discriminator():
    model = nn.Sequential(
        Flatten(),
        nn.Linear(28 * 28, 256, bias=True),
        nn.LeakyReLU(negative_slope=0.01),
        nn.Linear(256, 256, bias=True),
        nn.LeakyReLU(negative_slope=0.01),
        nn.Linear(256, 1, bias=True),
    )
    return model


def generator(noise_dim=NOISE_DIM):
    layers = []
    sizes = [noise_dim, 1024, 1024, 784]
    for i in range(3):
        layers += [nn.Linear(sizes[i], sizes[i + 1])]
        layers += [nn.ReLU(inplace=True) if i < 2 else nn.Tanh()]
    return nn.Sequential(*layers)


def bce_loss(input, target):
    zeros = torch.zeros_like(input)
    loss = torch.max(input, zeros) - input * target + (1 + (-torch.abs(input)).exp()).log()
    return loss.mean()


def discriminator_loss(logits_real, logits_fake):
    N = logits_real.size()
    true_labels = Variable(torch.ones(N)).type(dtype)
    loss = bce_loss(logits_real, true_labels)
    fake_labels = Variable(torch.zeros(N)).type(dtype)
    loss = loss + bce_loss(logits_fake, fake_labels)
    return loss


def generator_loss(logits_fake):
    N = logits_fake.size()
    loss = bce_loss(logits_fake, Variable(torch.ones(N)).type(dtype))
    return loss


def get_optimizer(model):
    optimizer = None
    optimizer = optim.Adam(model.parameters(), lr=0.001, betas=[0.5, 0.999])
    return optimizer


def ls_discriminator_loss(scores_real, scores_fake):
    loss = None
    N = scores_real.size()
    true_labels = Variable(torch.ones(N)).type(dtype)
    loss = (torch.mean((scores_real - true_labels) ** 2) + torch.mean(scores_fake**2)) / 2.0
    return loss


def ls_generator_loss(scores_fake):
    return torch.mean(torch.pow(scores_fake - 1, 2)).mul(0.5)


def build_dc_classifier(batch_size):
    return nn.Sequential(
        Unflatten(batch_size, 1, 28, 28),
        nn.Conv2d(1, 32, (5, 5), (1, 1)),
        nn.LeakyReLU(0.01, True),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(32, 64, 5),
        nn.LeakyReLU(0.01, True),
        nn.MaxPool2d((2, 2)),
        Flatten(),
        nn.Linear(1024, 1024),
        nn.LeakyReLU(0.01, True),
        nn.Linear(1024, 1),
    ).type(dtype)


def build_dc_generator(noise_dim=NOISE_DIM):
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(True),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 6272),
        nn.ReLU(True),
        nn.BatchNorm1d(6272),
        Unflatten(-1, 128, 7, 7),
        nn.ConvTranspose2d(
            in_channels=128, out_channels=64, kernel_size=(4, 4), stride=2, padding=1
        ),
        nn.ReLU(True),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Tanh(),
        nn.Flatten(),
    )
