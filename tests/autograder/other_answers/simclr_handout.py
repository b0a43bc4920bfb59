"""SimCLR as pasted from the handout's files, for a GPU, by somebody who writes things out."""

import torch
import random
import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.datasets import CIFAR10
import torch.optim as optim
from torch.utils.data import DataLoader
from tqdm import tqdm
from .contrastive_loss import *


def compute_train_transform(seed=123456):
    random.seed(seed)
    torch.random.manual_seed(seed)
    color_jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    train_transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(size=32),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply(torch.nn.ModuleList([color_jitter]), p=0.8),
            transforms.RandomGrayscale(0.2),
            transforms.ToTensor(),
            transforms.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
        ]
    )
    return train_transform


class CIFAR10Pair(CIFAR10):
    def __getitem__(self, index):
        img, target = self.data[index], self.targets[index]
        img = Image.fromarray(img)
        x_i = None
        x_j = None
        if self.transform is not None:
            x_i, x_j = self.transform(img), self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return x_i, x_j, target


def sim(z_i, z_j):
    norm_dot_product = None
    z_i_norm = torch.linalg.norm(z_i)
    z_j_norm = torch.linalg.norm(z_j)
    norm_dot_product = torch.dot(z_i / z_i_norm, z_j / z_j_norm)
    return norm_dot_product


def simclr_loss_naive(out_left, out_right, tau):
    N = out_left.shape[0]
    out = torch.cat([out_left, out_right], dim=0)
    total_loss = 0
    for k in range(N):
        z_k, z_k_N = out[k], out[k + N]
        num = (sim(z_k, z_k_N) / tau).exp()
        left, right = 0.0, 0.0
        for i in range(2 * N):
            if i != k:
                left += (sim(z_k, out[i]) / tau).exp()
            if i != k + N:
                right += (sim(z_k_N, out[i]) / tau).exp()
        total_loss += -(num / left).log() - (num / right).log()
    total_loss = total_loss / (2 * N)
    return total_loss


def sim_positive_pairs(out_left, out_right):
    pos_pairs = None
    pos_pairs = torch.sum(out_left * out_right, dim=1, keepdim=True)
    pos_pairs = pos_pairs / torch.linalg.norm(out_left, dim=1, keepdim=True)
    pos_pairs = pos_pairs / torch.linalg.norm(out_right, dim=1, keepdim=True)
    return pos_pairs


def compute_sim_matrix(out):
    sim_matrix = None
    norms = torch.linalg.norm(out, dim=1, keepdim=True)
    sim_matrix = torch.mm(out, out.t()) / torch.mm(norms, norms.t())
    return sim_matrix


def simclr_loss_vectorized(out_left, out_right, tau, device="cuda"):
    N = out_left.shape[0]
    out = torch.cat([out_left, out_right], dim=0)
    sim_matrix = compute_sim_matrix(out)
    exponential = torch.exp(sim_matrix / tau).to(device)
    mask = (
        (torch.ones_like(exponential, device=device) - torch.eye(2 * N, device=device))
        .to(device)
        .bool()
    )
    exponential = exponential.masked_select(mask).view(2 * N, -1)
    denom = exponential.sum(dim=1)
    pos = sim_positive_pairs(out_left, out_right).to(device)
    numerator = torch.exp(torch.cat([pos, pos], dim=0).squeeze(1) / tau)
    loss = torch.mean(-torch.log(numerator / denom))
    return loss


def train(
    model,
    data_loader,
    train_optimizer,
    epoch,
    epochs,
    batch_size=32,
    temperature=0.5,
    device="cuda",
):
    model.train()
    total_loss, total_num, train_bar = 0.0, 0, tqdm(data_loader)
    for data_pair in train_bar:
        x_i, x_j, target = data_pair
        x_i, x_j = x_i.to(device), x_j.to(device)
        out_left, out_right, loss = None, None, None
        _, out_left = model(x_i)
        _, out_right = model(x_j)
        loss = simclr_loss_vectorized(out_left, out_right, temperature)
        train_optimizer.zero_grad()
        loss.backward()
        train_optimizer.step()
        total_num += batch_size
        total_loss += loss.item() * batch_size
        train_bar.set_description(
            "Train Epoch: [{}/{}] Loss: {:.4f}".format(epoch, epochs, total_loss / total_num)
        )
    return total_loss / total_num


def load_encoder(encoder, checkpoint):
    wanted = encoder.state_dict()
    found = {key[8:]: value for key, value in checkpoint.items() if key[:8] == "encoder."}
    if set(wanted) != set(found):
        raise RuntimeError("these do not fit: %s" % (set(wanted) ^ set(found)))
    for key in wanted:
        wanted[key].copy_(found[key])
    return encoder
