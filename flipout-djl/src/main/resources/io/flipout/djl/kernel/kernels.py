class Kernels(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def flatten(self: __torch__.Kernels,
      tensors: List[Tensor]) -> Tensor:
    return torch.flatten_dense_tensors(tensors)
  def write(self: __torch__.Kernels,
      flat: Tensor,
      tensors: List[Tensor]) -> Tensor:
    torch._foreach_zero_(tensors)
    torch._foreach_add_(tensors, torch.unflatten_dense_tensors(flat, tensors))
    return flat
  def split(self: __torch__.Kernels,
      flat: Tensor,
      tensors: List[Tensor]) -> List[Tensor]:
    return torch.unflatten_dense_tensors(flat, tensors)
  def norms(self: __torch__.Kernels,
      flat: Tensor,
      tensors: List[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(torch.unflatten_dense_tensors(flat, tensors)))
  def spread(self: __torch__.Kernels,
      numbers: Tensor,
      sizes: Tensor,
      flat: Tensor) -> Tensor:
    places = torch.arange(torch.numel(flat), dtype=3, layout=None, device=ops.prim.device(flat), pin_memory=False)
    tensors = torch.bucketize(places, torch.cumsum(sizes, 0, dtype=3), out_int32=True, right=True)
    return torch.index_select(numbers, 0, tensors)
  def zero(self: __torch__.Kernels,
      tensors: List[Tensor]) -> Tensor:
    torch._foreach_zero_(tensors)
    return tensors[0]
