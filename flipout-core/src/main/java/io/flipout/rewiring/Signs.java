package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/** The sign s of every weight w = s·θ, which rewiring keeps for good: one byte a weight. */
final class Signs {

    /** Names the stream of random numbers that signs are drawn from. */
    private static final long STREAM = 0x5167;

    private Signs() {}

    /** Returns the signs that weights alive have, and draws the others. */
    static byte[] of(TrainedTensor tensor, Mask mask, long seed) {
        float[] weights = Transfers.floats(tensor.values());
        byte[] signs = new byte[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    SplittableRandom random =
                            Randoms.stream(seed, STREAM, tensor.info().index(), chunk);
                    for (int i = from; i < to; i++) {
                        int drawn = random.nextBoolean() ? 1 : -1;
                        boolean hasOne = mask.isAlive(i) && weights[i] != 0;
                        signs[i] = (byte) (hasOne ? Math.signum(weights[i]) : drawn);
                    }
                });
        return signs;
    }

    /** Returns the signs on the tensor's device, owned by the tensor. */
    static NDArray onDevice(TrainedTensor tensor, byte[] signs) {
        ByteBuffer bytes = tensor.manager().allocateDirect(signs.length);
        bytes.put(signs).rewind();
        return tensor.manager().create(bytes, tensor.values().getShape(), DataType.INT8);
    }
}
