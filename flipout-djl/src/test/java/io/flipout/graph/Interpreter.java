package io.flipout.graph;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Computes a graph node by node, number by number, as the definitions say: slowly, and the measure
 * of what computes it fast.
 */
public final class Interpreter {

    private Interpreter() {}

    /**
     * Computes the output for images that follow each other in the order of {@link Dims}.
     *
     * @param graph the graph
     * @param images the numbers of all images
     * @param batch how many images
     * @return the numbers of all results
     */
    public static float[] run(Graph graph, float[] images, int batch) {
        int in = graph.input().dims().size();
        int out = graph.output().dims().size();
        float[] results = new float[batch * out];
        for (int i = 0; i < batch; i++) {
            float[] image = Arrays.copyOfRange(images, i * in, (i + 1) * in);
            System.arraycopy(run(graph, image).get(graph.output()), 0, results, i * out, out);
        }
        return results;
    }

    /**
     * Computes every node for one image.
     *
     * @param graph the graph
     * @param image the image's numbers
     * @return each node's numbers
     */
    public static Map<Node, float[]> run(Graph graph, float[] image) {
        Map<Node, float[]> results = new IdentityHashMap<>();
        for (Node node : graph.nodes()) {
            List<float[]> read = node.inputs().stream().map(results::get).toList();
            results.put(node, node instanceof Input ? image : compute(node, read));
        }
        return results;
    }

    private static float[] compute(Node node, List<float[]> read) {
        if (node instanceof Constant constant) {
            float[] values = new float[constant.dims().size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = constant.value(i);
            }
            return values;
        } else if (node instanceof Convolution convolution) {
            return convolution(convolution, read);
        } else if (node instanceof Affine affine) {
            return affine(affine, read.get(0));
        } else if (node instanceof Elementwise elementwise) {
            return elementwise(elementwise, read);
        } else if (node instanceof Pool pool) {
            return pool(pool, read.get(0));
        } else if (node instanceof Permute permute) {
            return permute(permute, read.get(0));
        } else if (node instanceof Concat) {
            return concat(node, read);
        } else if (node instanceof Softmax softmax) {
            return softmax(softmax, read.get(0));
        } else if (node instanceof Channels channels) {
            return channels(channels, read.get(0));
        } else if (node instanceof Reshape) {
            return read.get(0);
        }
        throw new IllegalStateException(node.toString());
    }

    private static float[] convolution(Convolution node, List<float[]> read) {
        Dims in = node.input().dims();
        Dims out = node.dims();
        float[] ones = new float[in.area()];
        Arrays.fill(ones, 1);
        float[] result = new float[out.size()];
        for (int f = 0; f < out.channels(); f++) {
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    double sum = node.bias()[f];
                    sum += window(node, node.weights(), f, read.get(0), in, y, x);
                    if (node.ones() != null) {
                        sum += window(node, node.ones(), f, ones, in, y, x);
                    }
                    int place = (f * out.height() + y) * out.width() + x;
                    if (node.residual() != null && node.residualIndex()[f] >= 0) {
                        int at = node.residualIndex()[f] * out.area() + y * out.width() + x;
                        sum += read.get(1)[at];
                    }
                    result[place] = activated(node, (float) sum);
                }
            }
        }
        return result;
    }

    private static float activated(Convolution node, float value) {
        if (node.activation() == null) {
            return value;
        }
        float[] a = node.activationArguments();
        return node.activation().apply(value, a.length > 0 ? a[0] : 0, a.length > 1 ? a[1] : 0);
    }

    private static double window(
            Convolution node, Weights weights, int f, float[] planes, Dims in, int y, int x) {
        Window w = node.window();
        double sum = 0;
        for (int i = weights.start(f); i < weights.start(f + 1); i++) {
            int position = weights.position(f, i);
            int column = position % w.width();
            int row = position / w.width() % w.height();
            int channel = position / w.cells();
            int fromY = y * w.strideY() - w.paddingY() + row * w.dilationY();
            int fromX = x * w.strideX() - w.paddingX() + column * w.dilationX();
            boolean inside = fromY >= 0 && fromY < in.height() && fromX >= 0 && fromX < in.width();
            if (inside && weights.value(i) != 0) {
                float value = planes[(channel * in.height() + fromY) * in.width() + fromX];
                sum += (double) weights.value(i) * value;
            }
        }
        return sum;
    }

    private static float[] affine(Affine node, float[] read) {
        float[] result = new float[read.length];
        int area = node.dims().area();
        for (int i = 0; i < read.length; i++) {
            result[i] = read[i] * node.scale()[i / area] + node.shift()[i / area];
        }
        return result;
    }

    private static float[] elementwise(Elementwise node, List<float[]> read) {
        Dims out = node.dims();
        float[] result = new float[out.size()];
        float[] operands = new float[3];
        int place = 0;
        for (int c = 0; c < out.channels(); c++) {
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    for (int i = 0; i < read.size(); i++) {
                        operands[i] = at(node.inputs().get(i).dims(), read.get(i), c, y, x);
                    }
                    result[place++] = node.function().apply(operands[0], operands[1], operands[2]);
                }
            }
        }
        return result;
    }

    private static float at(Dims dims, float[] values, int channel, int y, int x) {
        int c = dims.channels() == 1 ? 0 : channel;
        int row = dims.height() == 1 ? 0 : y;
        int column = dims.width() == 1 ? 0 : x;
        return values[(c * dims.height() + row) * dims.width() + column];
    }

    private static float[] pool(Pool node, float[] read) {
        Dims in = node.input().dims();
        Dims out = node.dims();
        float[] result = new float[out.size()];
        int place = 0;
        for (int c = 0; c < out.channels(); c++) {
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    result[place++] = pooled(node, in, read, c, y, x);
                }
            }
        }
        return result;
    }

    private static float pooled(Pool node, Dims in, float[] read, int channel, int y, int x) {
        int fromY;
        int toY;
        int fromX;
        int toX;
        int stepY = 1;
        int stepX = 1;
        int counted;
        if (node.isAdaptive()) {
            Dims out = node.dims();
            fromY = y * in.height() / out.height();
            toY = ((y + 1) * in.height() + out.height() - 1) / out.height();
            fromX = x * in.width() / out.width();
            toX = ((x + 1) * in.width() + out.width() - 1) / out.width();
            counted = (toY - fromY) * (toX - fromX);
        } else {
            Window w = node.window();
            stepY = w.dilationY();
            stepX = w.dilationX();
            fromY = y * w.strideY() - w.paddingY();
            fromX = x * w.strideX() - w.paddingX();
            toY = Math.min(fromY + stepY * (w.height() - 1) + 1, in.height() + w.paddingY());
            toX = Math.min(fromX + stepX * (w.width() - 1) + 1, in.width() + w.paddingX());
            counted = (toY - fromY) * (toX - fromX);
            while (fromY < 0) {
                fromY += stepY;
            }
            while (fromX < 0) {
                fromX += stepX;
            }
            toY = Math.min(toY, in.height());
            toX = Math.min(toX, in.width());
            if (!node.countsPadding()) {
                counted = (toY - fromY) * (toX - fromX);
            }
        }
        double sum = 0;
        float largest = Float.NEGATIVE_INFINITY;
        for (int row = fromY; row < toY; row += stepY) {
            for (int column = fromX; column < toX; column += stepX) {
                float value = read[(channel * in.height() + row) * in.width() + column];
                sum += value;
                largest = Math.max(largest, value);
            }
        }
        return node.isMax() ? largest : (float) (sum / counted);
    }

    private static float[] permute(Permute node, float[] read) {
        int[] from = node.input().dims().axes();
        int[] to = node.dims().axes();
        int[] steps = new int[from.length];
        int step = 1;
        for (int axis = from.length - 1; axis >= 0; axis--) {
            steps[axis] = step;
            step *= from[axis];
        }
        float[] result = new float[read.length];
        int[] at = new int[to.length];
        for (int i = 0; i < result.length; i++) {
            int rest = i;
            int place = 0;
            for (int axis = to.length - 1; axis >= 0; axis--) {
                at[axis] = rest % to[axis];
                rest /= to[axis];
                place += at[axis] * steps[node.order()[axis]];
            }
            result[i] = read[place];
        }
        return result;
    }

    private static float[] concat(Node node, List<float[]> read) {
        float[] result = new float[node.dims().size()];
        int place = 0;
        for (float[] part : read) {
            System.arraycopy(part, 0, result, place, part.length);
            place += part.length;
        }
        return result;
    }

    private static float[] softmax(Softmax node, float[] read) {
        int[] axes = node.dims().axes();
        int length = axes[node.axis()];
        int step = 1;
        for (int axis = node.axis() + 1; axis < axes.length; axis++) {
            step *= axes[axis];
        }
        float[] result = new float[read.length];
        for (int i = 0; i < read.length; i++) {
            if (i / step % length == 0) {
                double largest = Double.NEGATIVE_INFINITY;
                for (int k = 0; k < length; k++) {
                    largest = Math.max(largest, read[i + k * step]);
                }
                double sum = 0;
                for (int k = 0; k < length; k++) {
                    sum += Math.exp(read[i + k * step] - largest);
                }
                for (int k = 0; k < length; k++) {
                    double shifted = read[i + k * step] - largest;
                    result[i + k * step] =
                            (float)
                                    (node.isLogarithm()
                                            ? shifted - Math.log(sum)
                                            : Math.exp(shifted) / sum);
                }
            }
        }
        return result;
    }

    private static float[] channels(Channels node, float[] read) {
        int area = node.dims().area();
        float[] result = new float[node.dims().size()];
        for (int c = 0; c < node.index().length; c++) {
            if (node.index()[c] >= 0) {
                System.arraycopy(read, node.index()[c] * area, result, c * area, area);
            } else {
                Arrays.fill(result, c * area, (c + 1) * area, node.fill()[c]);
            }
        }
        return result;
    }
}
