package io.flipout.djl.torchscript;

import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Weights;
import io.flipout.graph.Window;

/**
 * A convolution of which few weights are left, as PyTorch computes it faster than a dense one: the
 * product of a sparse matrix, which has a row for each filter and an entry for each weight, with a
 * matrix whose row {@code r} is the padded image from its {@code r}-th number on. Such rows overlap
 * in memory, so nothing is copied for them. An entry's column is where the channel of its weight
 * begins, and as far behind as the weight lies in its window. Lines are as far apart in the result
 * as in the padded image; what lies between them is left out at the end. With strides, each class
 * of lines and columns has channels of its own.
 *
 * <p>PyTorch multiplies such matrices on one thread. On other devices than a CPU, in other types
 * than float32 and for gradients of the input, the dense convolution is computed. As there are
 * weights for either, they do not train.
 *
 * @param filters the filter of each weight that is not 0
 * @param channels the channel that it reads
 * @param rows how many lines behind the channel's first its own begin
 * @param columns and how many columns
 * @param values the weights
 */
record SparseProduct(long[] filters, long[] channels, long[] rows, long[] columns, float[] values) {

    /** The name of the function. */
    static final String FUNCTION = ModuleCode.PACKAGE + ".sparse_conv2d";

    /**
     * The function: what {@code torch.conv2d} takes, and the parts of this record. Images lie side
     * by side, channel by channel, so that rows are long even of small ones; they are added up
     * piece by piece, so that what is read of all channels stays in a near cache.
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
                filters: Tensor,
                channels: Tensor,
                rows: Tensor,
                columns: Tensor,
                values: Tensor) -> Tensor:
              if ops.prim.requires_grad(weight):
                ops.prim.RaiseException("Compacted weights do not train: export without compaction.")
              else:
                pass
              if torch.ne(ops.prim.type(ops.prim.device(input)), "cpu"):
                is_dense = True
              elif ops.prim.requires_grad(input):
                is_dense = True
              elif torch.eq(torch.size(input, 0), 0):
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
                around = [padding[1], right, padding[0], below]
                padded = torch.constant_pad_nd(torch.transpose(input, 0, 1), around)
                if torch.gt(s, 1):
                  classes = annotate(List[Tensor], [])
                  for i in range(torch.mul(s, s)):
                    lines = torch.slice(padded, 2, torch.floordiv(i, s), 9223372036854775807, s)
                    one = torch.slice(lines, 3, torch.remainder(i, s), 9223372036854775807, s)
                    _ = torch.append(classes, one)
                  all = torch.cat(classes)
                else:
                  all = padded
                images = torch.contiguous(all)
                line = torch.size(images, 3)
                plane = torch.mul(torch.size(images, 2), line)
                planes = torch.mul(torch.size(images, 1), plane)
                last = torch.add(torch.mul(torch.sub(height, 1), line), width)
                run = torch.add(torch.sub(planes, plane), last)
                starts = torch.add(torch.sub(torch.mul(torch.size(images, 0), planes), run), 1)
                places = torch.add(torch.add(columns, rows, alpha=line), channels, alpha=planes)
                size = [torch.size(weight, 0), starts]
                matrix = torch.sparse_coo_tensor(torch.stack([filters, places]), values, size)
                if torch.__is__(bias, None):
                  each = torch.zeros([size[0]], dtype=6, layout=None, device=ops.prim.device(input))
                else:
                  each = unchecked_cast(Tensor, bias)
                sums = torch.repeat(torch.view(each, [-1, 1]), [1, planes])
                numbers = torch.view(images, [-1])
                most = ops.prim.max(512, torch.floordiv(65536, torch.size(images, 0)))
                for i in range(torch.floordiv(torch.sub(torch.add(run, most), 1), most)):
                  at = torch.mul(i, most)
                  few = ops.prim.min(most, torch.sub(run, at))
                  behind = torch.slice(numbers, 0, at, 9223372036854775807, 1)
                  shifted = torch.as_strided(behind, [starts, few], [1, 1])
                  _ = torch.addmm_(torch.narrow(sums, 1, at, few), matrix, shifted)
                shape = [size[0], torch.size(images, 1), torch.size(images, 2), line]
                lines = torch.narrow(torch.view(sums, shape), 2, 0, height)
                result = torch.transpose(torch.narrow(lines, 3, 0, width), 0, 1)
              return result
            """;

    /** Images that are computed at once. */
    private static final int IMAGES = 4;

    // Nanoseconds, measured with one thread and AVX-512.

    /** Of a dense convolution: a multiply-add, and the reading of a weight. */
    private static final double DENSE = 0.02;

    private static final double READ = 0.2;

    /** Of a product, however small; of a weight of it, and of a number that it is for. */
    private static final double CALL = 40_000;

    private static final double WEIGHT = 33;
    private static final double NUMBER = 0.055;

    /** Of a number that is copied, in order or with strides. */
    private static final double COPIED = 0.25;

    private static final double REORDERED = 0.6;

    /**
     * How many times as fast as a dense convolution the product is, on one thread, for a few images
     * at once. It is an estimate, of images as large as those that the network was made for.
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
        double width = in.width() + 2.0 * window.paddingX();
        double padded = in.channels() * (in.height() + 2.0 * window.paddingY()) * width;
        double run = out.height() * width / window.strideX();
        double copied =
                padded * (window.strideX() > 1 ? REORDERED : COPIED)
                        + COPIED * out.channels() * run;
        double product =
                CALL + weights.count() * (WEIGHT + IMAGES * run * NUMBER) + IMAGES * copied;
        double perFilter = (double) weights.channels() / node.groups() * weights.area();
        double dense = perFilter * (IMAGES * out.size() * DENSE + out.channels() * READ);
        return dense / product;
    }

    /** Takes the weights of a convolution apart. */
    static SparseProduct of(Weights weights, Window window) {
        int count = weights.count();
        SparseProduct product =
                new SparseProduct(
                        new long[count],
                        new long[count],
                        new long[count],
                        new long[count],
                        new float[count]);
        int stride = window.strideX();
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
                product.filters[entry] = filter;
                product.channels[entry] = sort * weights.channels() + position / weights.area();
                product.rows[entry] = y / stride;
                product.columns[entry] = x / stride;
                product.values[entry++] = weights.value(i);
            }
        }
        return product;
    }
}
