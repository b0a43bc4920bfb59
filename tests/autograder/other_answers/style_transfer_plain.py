import numpy as np
import torch


def content_loss(content_weight, content_current, content_original):
    total = torch.tensor(0.0)
    for channel in range(content_current.shape[1]):
        a = content_current[:, channel]
        b = content_original[:, channel]
        total = total + torch.norm(a - b) ** 2
    return content_weight * total


def gram_matrix(features, normalize=True):
    all_grams = []
    for one_picture in features:
        C, H, W = one_picture.shape
        rows = one_picture.permute(1, 2, 0).reshape(-1, C)  # a row for each place
        g = rows.T.matmul(rows)
        if normalize:
            g = g / C
            g = g / H
            g = g / W
        all_grams.append(g)
    return torch.stack(all_grams, dim=0)


def style_loss(feats, style_layers, style_targets, style_weights):
    loss = 0
    for k, layer in enumerate(style_layers):
        G = gram_matrix(feats[layer], True)
        A = style_targets[k]
        loss = loss + style_weights[k] * torch.linalg.norm((G - A).reshape(-1)).pow(2)
    return loss


def tv_loss(img, tv_weight):
    H, W = img.shape[2], img.shape[3]
    up = torch.index_select(img, 2, torch.arange(0, H - 1))
    low = torch.index_select(img, 2, torch.arange(1, H))
    le = img[..., : W - 1]
    ri = img[..., 1:]
    loss = torch.sum(torch.abs(up - low) ** 2) * tv_weight
    loss += torch.sum(torch.abs(le - ri) ** 2) * tv_weight
    return loss.reshape(1)


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
    L = tv_loss(img, tv_weight)
    L += style_loss(feats, style_layers, style_targets, style_weights)
    L += content_loss(
        content_weight=content_weight,
        content_current=feats[content_layer],
        content_original=content_target,
    )
    return L


def transfer_step(img, loss_fn, optimizer, low, high):
    if img.grad is not None:
        img.grad.data.zero_()
    cost = loss_fn(img)
    before = cost.item()
    cost.backward()
    optimizer.step()
    with torch.no_grad():
        too_dark, too_bright = img < low, img > high
        img[too_dark] = low.expand_as(img)[too_dark]
        img[too_bright] = high.expand_as(img)[too_bright]
    return np.float64(before)
