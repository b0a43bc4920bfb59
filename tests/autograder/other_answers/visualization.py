# Right answers to a3 in another hand: backward and .grad, loops, NumPy.
import numpy as np
import torch
import torch.nn as nn


def compute_saliency_maps(X, y, model):
    # Make sure the model is in "test" mode
    model.eval()

    # Make input tensor require gradient
    X.requires_grad_()
    if X.grad is not None:
        X.grad.data.zero_()

    scores = model(X)
    correct = scores.gather(1, y.view(-1, 1)).squeeze(1)
    correct.backward(torch.ones_like(correct))
    saliency, _ = torch.max(X.grad.data.abs(), dim=1)
    return saliency


def make_fooling_image(X, target_y, model):
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        _, index = torch.max(scores, dim=1)
        if index.item() == target_y:
            break
        target_score = scores[0, target_y]
        target_score.backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * (g / g.norm())
        X_fooling.grad.data.zero_()
    return X_fooling


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    loss = scores[:, target_y] - l2_reg * torch.sum(img * img)
    loss.backward()
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_()


def occlusion_map(X, y, model, size, stride, fill=0.0):
    full = model(X)[0, y].item()
    H, W = X.shape[2:]
    result = []
    for top in range(0, H - size + 1, stride):
        row = []
        for left in range(0, W - size + 1, stride):
            Z = X.clone()
            Z[..., top : top + size, left : left + size] = fill
            row.append(full - model(Z)[0, y].item())
        result.append(row)
    return np.array(result)


class GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        mask = x > 0
        ctx.save_for_backward(mask)
        return torch.where(mask, x, torch.zeros_like(x))

    @staticmethod
    def backward(ctx, dout):
        (mask,) = ctx.saved_tensors
        dx = dout.clone()
        dx[~mask] = 0
        dx[dx < 0] = 0
        return dx


def guided_relu(x):
    return GuidedReLU.apply(x)


def receptive_field(layers):
    size, jump, offset = 1, 1, 0
    for k, s, p in layers:
        offset = offset - p * jump
        size = size + (k - 1) * jump
        jump = jump * s
    return size, jump, offset


def inversion_loss(img, target, network, tv_weight):
    feats = network(img)
    content = torch.norm(feats - target) ** 2 / torch.norm(target) ** 2
    tv = torch.sum(torch.pow(img[:, :, :-1] - img[:, :, 1:], 2))
    tv = tv + torch.sum(torch.pow(img[:, :, :, :-1] - img[:, :, :, 1:], 2))
    return content + tv_weight * tv


def nearest_neighbours(queries, features, k):
    answer = torch.zeros(len(queries), k, dtype=torch.long)
    for i in range(len(queries)):
        dist = torch.sqrt(torch.sum((features - queries[i]) ** 2, dim=1))
        _, order = torch.sort(dist)
        answer[i] = order[:k]
    return answer
