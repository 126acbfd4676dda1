package io.flipout.djl.torchscript;

import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Weights;
import io.flipout.graph.Window;

/**
 * A convolution of which few weights are left, as PyTorch computes it faster than a dense one: a
 * product of a sparse matrix, with a row for each filter and an entry for each weight, and of the
 * input, of which row {@code r} is the padded image from its {@code r}-th number on. So no input is
 * copied once for every weight of a window, as there is nothing to copy: the rows overlap, and a
 * weight's row begins where its channel does, behind that by its place in the window. Lines are as
 * far apart in the result as in the input, and what lies between them is left out at the end. Of a
 * convolution with strides, each class of columns and lines is a channel of its own.
 *
 * <p>PyTorch multiplies such matrices on one thread. On other devices than a CPU, and in other
 * types than float32, the dense convolution is computed, of the same tensor of weights.
 *
 * @param entries where each weight that is not 0 lies among all
 * @param filters its filter
 * @param channels the channel that it reads
 * @param rows how many lines behind the channel's first its own begin
 * @param columns and how many columns
 */
record SparseProduct(long[] entries, long[] filters, long[] channels, long[] rows, long[] columns) {

    /** The name of the function. */
    static final String FUNCTION = ModuleCode.PACKAGE + ".sparse_conv2d";

    /**
     * The function: what {@code torch.conv2d} takes, and the parts of this record. Images are
     * multiplied one by one, so that what they are multiplied with stays in a near cache.
     */
    static final String CODE =
            """
            def sparse_conv2d(input: Tensor,
                weight: Tensor,
                bias: Optional[Tensor],
                stride: List[int],
                padding: List[int],
                dilation: List[int],
                groups: int,
                entries: Tensor,
                filters: Tensor,
                channels: Tensor,
                rows: Tensor,
                columns: Tensor) -> Tensor:
              if torch.ne(ops.prim.type(ops.prim.device(input)), "cpu"):
                is_dense = True
              else:
                is_dense = torch.ne(ops.prim.dtype(input), 6)
              if is_dense:
                result = torch.conv2d(input, weight, bias, stride, padding, dilation, groups)
              else:
                s = stride[0]
                h = torch.add(torch.size(input, 2), torch.mul(padding[0], 2))
                w = torch.add(torch.size(input, 3), torch.mul(padding[1], 2))
                window_h = torch.add(torch.mul(torch.sub(torch.size(weight, 2), 1), dilation[0]), 1)
                window_w = torch.add(torch.mul(torch.sub(torch.size(weight, 3), 1), dilation[1]), 1)
                height = torch.add(torch.floordiv(torch.sub(h, window_h), s), 1)
                width = torch.add(torch.floordiv(torch.sub(w, window_w), s), 1)
                below = torch.add(padding[0], torch.remainder(torch.neg(h), s))
                right = torch.add(padding[1], torch.remainder(torch.neg(w), s))
                padded = torch.constant_pad_nd(input, [padding[1], right, padding[0], below])
                if torch.gt(s, 1):
                  classes = annotate(List[Tensor], [])
                  for i in range(torch.mul(s, s)):
                    lines = torch.slice(padded, 2, torch.floordiv(i, s), 9223372036854775807, s)
                    one = torch.slice(lines, 3, torch.remainder(i, s), 9223372036854775807, s)
                    _ = torch.append(classes, one)
                  images = torch.cat(classes, 1)
                else:
                  images = torch.contiguous(padded)
                line = torch.size(images, 3)
                plane = torch.mul(torch.size(images, 2), line)
                run = torch.add(torch.mul(torch.sub(height, 1), line), width)
                starts = torch.add(torch.sub(torch.mul(torch.size(images, 1), plane), run), 1)
                places = torch.add(torch.add(columns, rows, alpha=line), channels, alpha=plane)
                values = torch.take(weight, entries)
                size = [torch.size(weight, 0), starts]
                matrix = torch.sparse_coo_tensor(torch.stack([filters, places]), values, size)
                shape = [torch.size(images, 0), torch.size(weight, 0), torch.mul(height, line)]
                if torch.__is__(bias, None):
                  sums = torch.zeros(shape, dtype=6, layout=None, device=ops.prim.device(input))
                else:
                  each = unchecked_cast(Tensor, bias)
                  sums = torch.repeat(torch.view(each, [1, -1, 1]), [shape[0], 1, shape[2]])
                for i in range(shape[0]):
                  shifted = torch.as_strided(torch.select(images, 0, i), [starts, run], [1, 1])
                  _ = torch.addmm_(torch.narrow(torch.select(sums, 0, i), 1, 0, run), matrix, shifted)
                planes = torch.view(sums, [shape[0], shape[1], height, line])
                result = torch.narrow(planes, 3, 0, width)
              return result
            """;

    /** Nanoseconds of a multiply-add of a dense convolution. */
    private static final double DENSE = 0.02;

    /** Of what a product takes, however small it is. */
    private static final double CALL = 20_000;

    /** Of a weight, whatever it is multiplied with. */
    private static final double WEIGHT = 10;

    /** Of a number that a weight is multiplied with. */
    private static final double NUMBER = 0.06;

    /** Of a number of the image that is copied, in its order or line by line. */
    private static final double COPY = 0.1;

    private static final double REORDER = 0.4;

    /**
     * How many times as fast as a dense convolution the product is, on one thread. It is an
     * estimate, of images as large as those that the network was made for.
     *
     * @param node a convolution
     * @return 0 if the product does not compute such
     */
    static double gain(Convolution node) {
        Window window = node.window();
        Weights weights = node.weights();
        if (node.isLinear()
                || node.dims().rank() != 4
                || window.strideY() != window.strideX()
                || weights.count() == 0) {
            return 0;
        }
        Dims in = node.inputs().get(0).dims();
        Dims out = node.dims();
        double perFilter = (double) weights.channels() / node.groups() * weights.area();
        double line = (in.width() + 2.0 * window.paddingX()) / window.strideX();
        double copied =
                in.channels()
                        * (in.height() + 2.0 * window.paddingY())
                        * (in.width() + 2.0 * window.paddingX());
        double product =
                CALL
                        + weights.count() * (WEIGHT + NUMBER * out.height() * line)
                        + copied * (window.strideX() > 1 ? REORDER : COPY)
                        + COPY * out.channels() * out.height() * line;
        return DENSE * out.size() * perFilter / product;
    }

    /**
     * Looks up the weights of a convolution that are not 0.
     *
     * @param weights its weights
     * @param window its window
     * @param groups the groups that they are stored by, without what lies between
     */
    static SparseProduct of(Weights weights, Window window, int groups) {
        int count = weights.count();
        SparseProduct product =
                new SparseProduct(
                        new long[count],
                        new long[count],
                        new long[count],
                        new long[count],
                        new long[count]);
        int stride = window.strideX();
        int filtersOfGroup = weights.filters() / groups;
        long size = (long) weights.channels() / groups * weights.area();
        int entry = 0;
        for (int filter = 0; filter < weights.filters(); filter++) {
            for (int i = weights.start(filter); i < weights.start(filter + 1); i++) {
                if (weights.value(i) == 0) {
                    continue;
                }
                int position = weights.position(filter, i);
                int y = position / weights.width() % weights.height() * window.dilationY();
                int x = position % weights.width() * window.dilationX();
                long sort = (long) (y % stride) * stride + x % stride;
                product.entries[entry] = (filter - filter / filtersOfGroup) * size + position;
                product.filters[entry] = filter;
                product.channels[entry] = sort * weights.channels() + position / weights.area();
                product.rows[entry] = y / stride;
                product.columns[entry++] = x / stride;
            }
        }
        return product;
    }
}
