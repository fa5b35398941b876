"""Networks as students write and train them, loaded from a checkpoint: predictions and gradients are the module's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms

import zfwidgets as zf

pytestmark = pytest.mark.slow


class MNISTNet(nn.Module):
    """PyTorch's own MNIST example."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, training=self.training)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class CIFARResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_planes = 8
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(8, 2, 1)
        self.layer2 = self._make_layer(16, 2, 2)
        self.linear = nn.Linear(16, 10)

    def _make_layer(self, planes, num_blocks, stride):
        layers = []
        for stride in [stride] + [1] * (num_blocks - 1):  # noqa: B020
            layers.append(BasicBlock(self.in_planes, planes, stride))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer2(self.layer1(out))
        out = F.avg_pool2d(out, 16)
        out = out.view(out.size(0), -1)
        return self.linear(out)


class DoubleConv(nn.Sequential):
    def __init__(self, inside, outside):
        super().__init__(
            nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(inplace=True),
        )  # fmt: skip


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inc, self.down1, self.down2 = DoubleConv(3, 8), DoubleConv(8, 16), DoubleConv(16, 16)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv1 = DoubleConv(32, 8)
        self.up2 = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.conv2, self.outc = DoubleConv(16, 8), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(F.max_pool2d(x1, 2))
        x3 = self.down2(F.max_pool2d(x2, 2))
        y = self.up1(x3)
        dy, dx = x2.size()[2] - y.size()[2], x2.size()[3] - y.size()[3]
        y = F.pad(y, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        y = self.conv1(torch.cat([x2, y], dim=1))
        y = self.conv2(torch.cat([x1, self.up2(y)], dim=1))
        return torch.sigmoid(self.outc(y))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.ReLU(True),
            nn.Conv2d(8, 4, 3, stride=2, padding=1),
            nn.ReLU(True),
        )
        self.bottleneck, self.grow = nn.Linear(4 * 8 * 8, 12), nn.Linear(12, 4 * 8 * 8)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1), nn.ReLU(True),
            nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x):
        z = self.bottleneck(torch.flatten(self.encoder(x), 1))
        return self.decoder(F.relu(self.grow(z)).view(-1, 4, 8, 8))


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(4),
            nn.ReflectionPad2d(1), nn.Conv2d(4, 8, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(8),
        )  # fmt: skip
        self.fc1 = nn.Sequential(nn.Linear(8 * 20 * 20, 16), nn.ReLU(inplace=True), nn.Linear(16, 5))

    def forward_once(self, x):
        output = self.cnn1(x)
        output = output.view(output.size()[0], -1)
        return self.fc1(output)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class Trunk(nn.Module):
    """What the Siamese network's owner writes to look into it."""

    def __init__(self, siamese):
        super().__init__()
        self.siamese = siamese

    def forward(self, x):
        return self.siamese.forward_once(x)


GREY = transforms.Compose(
    [
        transforms.Grayscale(),
        transforms.Resize((28, 28)),
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ]
)
OWN = {  # how it is made, its settings, a layer in the middle and the part of the module that it is
    "MNIST": (MNISTNet, {"size": 28, "preprocess": GREY, "labels": range(10)}, "conv2", lambda m: m.conv2),
    "CIFAR ResNet": (CIFARResNet, {"size": 32}, "layer2.0.bn2", lambda m: m.layer2[0].bn2),
    "U-Net": (UNet, {"size": (44, 36)}, "conv1.4", lambda m: m.conv1[4]),
    "autoencoder": (Autoencoder, {"size": 32}, "bottleneck", lambda m: m.bottleneck),
    "Siamese trunk": (lambda: Trunk(Siamese()), {"size": 20}, "siamese.cnn1.3", lambda m: m.siamese.cnn1[3]),
}
IMAGE = zf.photograph("coffee")


def trained(make, seed):
    """A module with numbers as training leaves them: of batch norms, too."""
    torch.manual_seed(seed)
    module = make().eval()
    for name, value in module.named_buffers():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5) if name.endswith("var") else value.uniform_(-0.2, 0.2)
    return module


@pytest.fixture(scope="module", params=OWN)
def own(request, tmp_path_factory):
    """The trained module, and the network that is loaded from its checkpoint."""
    make, settings, layer, part = OWN[request.param]
    module, path = trained(make, 3), tmp_path_factory.mktemp("runs") / "best.pth"
    weights = {f"module.{name}": value for name, value in module.state_dict().items()}  # as DataParallel has it
    torch.save({"epoch": 12, "state_dict": weights}, path)
    return module, zf.load(path, model=trained(make, 4), device="cpu", **settings), layer, part(module)


def test_the_output_is_the_modules(own):
    module, net, *_ = own
    x = net.batch([IMAGE])
    with torch.no_grad():
        expected = module(x)
    found = zf.ImageFeatures(net, IMAGE).maps(net.layers[-1].name)
    if not isinstance(module, MNISTNet):  # whose last step is a log-softmax
        assert found.reshape(-1) == pytest.approx(expected.numpy().reshape(-1), abs=1e-5)
    if net.classifies:
        probability = expected.exp() if isinstance(module, MNISTNet) else expected.softmax(1)
        assert net.predict(IMAGE).probability == pytest.approx(probability.numpy(), abs=1e-5)


def test_a_projection_by_the_gradient_is_autograds(own):
    module, net, layer, part = own
    x = net.batch([IMAGE]).requires_grad_()
    seen = []
    hook = part.register_forward_hook(lambda _, inputs, output: seen.append(output.clone()))
    module(x)
    hook.remove()
    maps = seen[0].reshape(*seen[0].shape[1:], *[1] * (4 - seen[0].ndim))
    feature = int(maps.detach().amax((1, 2)).argmax())
    place = np.unravel_index(int(maps[feature].detach().argmax()), maps.shape[1:])
    (expected,) = torch.autograd.grad(maps[feature][place], x)
    value = float(maps[feature][place].detach())
    found = zf.project(net, IMAGE, layer, feature, rule="gradient").pixels
    largest = float(expected.abs().max()) * abs(value)
    assert largest > 0
    assert np.abs(found - value * expected[0].numpy()).max() < 1e-4 * largest


def test_every_experiment_runs_that_the_network_is_fit_for(own):
    _, net, layer, _ = own
    tops = zf.top_activations(net, [IMAGE, zf.photograph("cat")], layers=layer, k=2, progress=False, workers=0)
    assert zf.gallery(net, [IMAGE, zf.photograph("cat")], tops, layer, [0]).values.shape == (1, 2)
    if net.classifies:
        assert np.isfinite(zf.occlusion(net, IMAGE, size=10, stride=10).probability).all()
    assert len(net.main_layers) >= 4


def test_two_inputs_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"takes several inputs \(input1, input2\).*takes\s+one batch of images"):
        zf.Network(Siamese(), size=20)
