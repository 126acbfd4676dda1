package io.flipout.inference;

import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Node;
import io.flipout.graph.Window;
import io.flipout.inference.kernel.Planes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * How planes of each size lie in the arena: with a border as wide as the widest padding of the
 * convolutions that read them where they lie: those of stride 1, with rows as far apart as in the
 * planes that they write, and all others where images lie side by side.
 */
final class Layouts {

    private record Size(int height, int width) {

        static Size of(Dims dims) {
            return new Size(dims.height(), dims.width());
        }
    }

    private final Map<Size, Integer> borders = new HashMap<>();
    private final Map<Size, Size> joined = new HashMap<>();
    private final Map<Size, Integer> rowStrides = new HashMap<>();

    Layouts(List<Node> nodes, Function<Convolution, Node> input, int lanes) {
        for (Node node : nodes) {
            if (node instanceof Convolution convolution && hasPlanes(convolution)) {
                Window window = convolution.window();
                boolean near = window.strideY() == 1 && window.strideX() == 1;
                Size from = Size.of(input.apply(convolution).dims());
                if (near) {
                    joined.put(root(Size.of(convolution.dims())), root(from));
                }
                if (near || lanes % Planes.ROOM == 0) {
                    borders.merge(from, Math.max(window.paddingY(), window.paddingX()), Math::max);
                }
            }
        }
        for (Node node : nodes) {
            Size size = Size.of(node.dims());
            rowStrides.merge(root(size), size.width() + border(size), Math::max);
        }
    }

    /** Planes of one number all lie close together, and any convolution reads them. */
    private static boolean hasPlanes(Convolution convolution) {
        return convolution.dims().area() > 1 && convolution.inputs().get(0).dims().area() > 1;
    }

    private Size root(Size size) {
        Size root = size;
        while (!joined.getOrDefault(root, root).equals(root)) {
            root = joined.get(root);
        }
        return root;
    }

    private int border(Size size) {
        return borders.getOrDefault(size, 0);
    }

    /** Planes of a size, at the start of an arena. */
    Planes planes(Dims dims, int channels, int lanes) {
        Size size = Size.of(dims);
        Planes planes = Planes.of(lanes, channels, dims.height(), dims.width()).withLanes(lanes);
        int border = border(size);
        if (size.height() == 1 && size.width() == 1 && border == 0) {
            return planes;
        }
        int rowStride = rowStrides.getOrDefault(root(size), size.width() + border);
        // A border is set with the least row stride, which then is made longer.
        return planes.withBorder(border).withRowStride(rowStride);
    }
}
