"""Style transfer as somebody used to the handouts of earlier years writes it."""

import torch
import torch.nn as nn
import torchvision.transforms as T
from torch.autograd import Variable

dtype = torch.FloatTensor


def content_loss(content_weight, content_current, content_original):
    N, C_l, H_l, W_l = content_current.size()
    F_l = content_current.view(C_l, H_l * W_l)
    P_l = content_original.view(C_l, H_l * W_l)
    return content_weight * torch.sum(torch.pow(F_l - P_l, 2))


def extract_features(x, cnn):
    features = []
    prev_feat = x
    for i, module in enumerate(cnn._modules.values()):
        next_feat = module(prev_feat)
        features.append(next_feat)
        prev_feat = next_feat
    return features


def gram_matrix(features, normalize=True):
    N, C, H, W = features.size()
    F = features.view(N, C, H * W)
    gram = Variable(torch.zeros(N, C, C)).type(features.type())
    for i in range(N):
        gram[i, :, :] = torch.mm(F[i], F[i].t())
    if normalize == True:
        gram = gram / (H * W * C)
    return gram


def style_loss(feats, style_layers, style_targets, style_weights):
    style_loss = Variable(torch.zeros(1).type(dtype))
    for i in range(len(style_layers)):
        current = gram_matrix(feats[style_layers[i]].clone())
        style_loss += style_weights[i] * torch.sum((current - style_targets[i]) ** 2)
    return style_loss


def tv_loss(img, tv_weight):
    N, C, H, W = img.size()
    horizontal = torch.sum((img[:, :, :, 0 : W - 1] - img[:, :, :, 1:W]) ** 2)
    vertical = torch.sum((img[:, :, 0 : H - 1, :] - img[:, :, 1:H, :]) ** 2)
    return tv_weight * (horizontal + vertical)


def transfer_loss(
    img,
    cnn,
    content_layer,
    content_target,
    content_weight,
    style_layers,
    style_targets,
    style_weights,
    tv_weight,
):
    feats = extract_features(img, cnn)
    c_loss = content_loss(content_weight, feats[content_layer], content_target)
    s_loss = style_loss(feats, style_layers, style_targets, style_weights)
    t_loss = tv_loss(img, tv_weight)
    return c_loss + s_loss + t_loss


def transfer_step(img, loss_fn, optimizer, low, high):
    optimizer.zero_grad()
    loss = loss_fn(img)
    loss.backward()
    optimizer.step()
    for c in range(3):
        img.data[:, c].clamp_(float(low[0, c]), float(high[0, c]))
    return loss


def style_transfer(
    content_image,
    style_image,
    image_size,
    style_size,
    content_layer,
    content_weight,
    style_layers,
    style_weights,
    tv_weight,
    init_random=False,
):
    raise RuntimeError("never called while grading")
