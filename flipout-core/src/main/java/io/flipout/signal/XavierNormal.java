package io.flipout.signal;

import ai.djl.ndarray.types.Shape;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.Randoms;
import java.util.SplittableRandom;

/**
 * Glorot and Bengio's normal initialisation: a deviation of {@code √(2 / (fan_in + fan_out))}, the
 * fans those of PyTorch, from the seed alone.
 */
public final class XavierNormal implements GradientProbe.Weights {

    /** Creates the initialisation. */
    public XavierNormal() {}

    /** {@inheritDoc} */
    @Override
    public float[] draw(ParameterInfo info, long seed) {
        Shape shape = info.shape();
        int size = info.size();
        long rows = shape.get(0);
        long columns = shape.dimension() < 2 ? 1 : shape.get(1);
        double field = size / (double) (rows * columns);
        double deviation = Math.sqrt(2 / (field * (rows + columns)));
        float[] values = new float[size];
        Chunks.forEach(
                size,
                (chunk, from, to) -> {
                    SplittableRandom random = Randoms.stream(seed, info.index(), chunk);
                    for (int i = from; i < to; i++) {
                        values[i] = (float) (deviation * random.nextGaussian());
                    }
                });
        return values;
    }
}
