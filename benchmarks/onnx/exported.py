"""Models of PyTorch as ONNX files: torchvision's classifiers and BERT-base, with weights drawn from
a seed (none are fetched)."""

import contextlib
import io
import warnings

import torch

SIZES = {"inception_v3": 299}  # of the images; 224 else


def classifier(name):
    """The network in evaluation mode and an example image batch of 1."""
    import torchvision
    torch.manual_seed(0)
    arguments = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
    model = torchvision.models.get_model(name, weights=None, **arguments).eval()
    # Moving statistics of a fresh network are 0 and 1; others let a mistake with them show.
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    side = SIZES.get(name, 224)
    return model, (torch.randn(1, 3, side, side),)


def bert(tokens=128):
    """BERT-base, 12 layers of 768, over one sentence; the pooled output and the last states."""
    import transformers
    torch.manual_seed(0)
    config = transformers.BertConfig(attn_implementation="eager", return_dict=False)
    model = transformers.BertModel(config).eval()
    return model, (torch.randint(0, config.vocab_size, (1, tokens)),)


def export(model, example, path):
    """By torch.onnx, whichever of its two exporters takes the model; its name."""
    problems = []
    for name, arguments in (("dynamo", {"dynamo": True, "external_data": False}),
                            ("torchscript", {"dynamo": False})):
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), \
                    contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
                warnings.simplefilter("ignore")
                torch.onnx.export(model, example, str(path), opset_version=18, **arguments)
            return name
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:120]}")
    raise RuntimeError("; ".join(problems))
