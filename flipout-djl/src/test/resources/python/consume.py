"""Uses exported modules as somebody in Python would, and prints what came of it, a line of JSON each.

usage: consume.py FOLDER, with a manifest.json that names modules, inputs and expected outputs
"""
import array
import json
import os
import sys

import torch

TYPES = {"float32": ("f", torch.float32), "int64": ("q", torch.int64)}


def read(folder, entry):
    code, dtype = TYPES[entry["dtype"]]
    numbers = array.array(code)
    with open(os.path.join(folder, entry["file"]), "rb") as f:
        numbers.frombytes(f.read())
    return torch.tensor(numbers, dtype=dtype).reshape(entry["shape"])


def as_list(outputs):
    return [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)


def difference(expected, actual):
    """The largest difference, by the largest expected value."""
    worst = 0.0
    for a, b in zip(expected, as_list(actual)):
        assert a.shape == b.shape, (a.shape, b.shape)
        if a.numel():
            scale = float(a.abs().max()) or 1.0
            worst = max(worst, float((a - b).abs().max()) / scale)
    return worst


def main(folder):
    with open(os.path.join(folder, "manifest.json")) as f:
        manifest = json.load(f)
    for entry in manifest:
        path = os.path.join(folder, entry["file"])
        extra = {"flipout.json": ""}
        module = torch.jit.load(path, _extra_files=extra)
        inputs = [read(folder, i) for i in entry["inputs"]]
        expected = [read(folder, o) for o in entry["outputs"]]
        with torch.no_grad():
            result = {"name": entry["name"], "difference": difference(expected, module(*inputs))}
            # A constant module has nothing to freeze.
            frozen = torch.jit.freeze(module.eval()) if list(module.parameters()) else module
            result["frozen"] = difference(expected, frozen(*inputs))
        if entry.get("inference"):
            with torch.no_grad():
                doubled = torch.jit.load(path).double()(*[i.double() for i in inputs])
                others = {
                    "behind": [torch.cat([i, i])[len(i) :] for i in inputs],
                    "channels_last": [i.to(memory_format=torch.channels_last) for i in inputs],
                }
                for name, images in others.items():
                    result[name] = difference(expected, module(*images))
            result["doubles"] = difference([e.double() for e in expected], doubled)
            with torch.no_grad():
                result["of_none"] = len(module(*[i[:0] for i in inputs]))
            images = [i.clone().requires_grad_() for i in inputs]
            module(*images).sum().backward()
            result["of_images"] = min(float(i.grad.abs().sum()) for i in images)
            trained = torch.jit.load(path)
            for parameter in trained.parameters():
                parameter.requires_grad_()
            try:
                trained(*inputs)
                result["refusal"] = ""
            except torch.jit.Error as e:
                result["refusal"] = str(e)

        module.train()
        parameters = [p for p in module.parameters() if p.requires_grad]
        result["parameters"] = len(parameters)
        if parameters:
            optimizer = torch.optim.SGD(parameters, lr=1e-3)
            loss = sum(o.float().square().mean() for o in as_list(module(*inputs)))
            loss.backward()
            optimizer.step()
        result["gradients"] = sum(p.grad is not None for p in parameters)
        module.eval()
        saved = path.replace(".pt", ".resaved.pt")
        module.save(saved)
        with torch.no_grad():
            after = module(*inputs)
            result["resaved"] = difference(as_list(after), torch.jit.load(saved)(*inputs))
        result["bytes"] = os.path.getsize(saved)
        if hasattr(after, "numpy"):
            with open(saved + ".out", "wb") as f:
                f.write(after.contiguous().numpy().tobytes())
        result["metadata"] = json.loads(extra["flipout.json"]) if extra["flipout.json"] else None
        weights = [p for p in torch.jit.load(path).parameters() if p.dim() >= 2]
        result["weights"] = sum(w.numel() for w in weights)
        result["remaining"] = sum(int((w != 0).sum()) for w in weights)
        print(json.dumps(result), flush=True)


torch.manual_seed(0)
torch.set_num_threads(1)
main(sys.argv[1])
