package io.flipout.inference.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.flipout.inference.Network;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * A network that computes predictions: images of (N, C, H, W) in float32, and whatever it gives.
 */
final class FlipOutBlock extends AbstractSymbolBlock implements AutoCloseable {

    private final Network network;

    FlipOutBlock(Network network) {
        this.network = network;
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore parameters,
            NDList inputs,
            boolean training,
            PairList<String, Object> options) {
        if (training) {
            throw new UnsupportedOperationException(
                    "The FlipOut engine does not train: use the PyTorch engine.");
        }
        if (inputs.size() != 1) {
            throw new IllegalArgumentException(
                    "The network takes one array of images, got " + inputs.size() + ".");
        }
        NDArray images = inputs.head();
        Shape shape = images.getShape();
        if (images.getDataType() != DataType.FLOAT32) {
            throw new IllegalArgumentException(
                    "The network takes images of float32, got "
                            + images.getDataType()
                            + ": convert them by toType(DataType.FLOAT32, false).");
        }
        int batch = Math.toIntExact(shape.get(0));
        int[] axes = axes(shape);
        float[] results = network.predict(Transfers.floats(images), batch, axes);
        return new NDList(
                images.getManager()
                        .create(
                                FloatBuffer.wrap(results),
                                shape(batch, network.outputShape(axes)),
                                DataType.FLOAT32));
    }

    private static int[] axes(Shape shape) {
        return Arrays.stream(shape.getShape()).skip(1).mapToInt(Math::toIntExact).toArray();
    }

    private static Shape shape(long batch, int[] axes) {
        return new Shape(batch).addAll(new Shape(Arrays.stream(axes).asLongStream().toArray()));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape images = inputShapes[0];
        return new Shape[] {shape(images.get(0), network.outputShape(axes(images)))};
    }

    /** Its weights are not parameters that anything could change. */
    @Override
    public ParameterList getDirectParameters() {
        return new ParameterList();
    }

    @Override
    public void close() {
        network.close();
    }
}
