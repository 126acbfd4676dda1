package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.index.NDIndex;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Deep-R's rewiring: a weight w = s·θ keeps its sign s for good. If a step takes its θ below 0 it
 * goes dormant, and for each that does a dormant one of the same tensor comes back with θ = 1e-12,
 * every one as likely as another, those just gone included. So each tensor keeps its number of
 * weights alive, step after step.
 *
 * <p>s is the sign of the weight where it is alive at first and drawn elsewhere. The paper sets θ =
 * 0; the released code 1e-12, as it counts weights of θ = 0 as dormant.
 *
 * <p>It takes a byte a weight. On a CPU a step takes one pass over the weights more than masking
 * them does; elsewhere some ten operations of the engine, the positions of the weights that went
 * dormant come to the host, which waits for them, and the mask, a byte a weight, goes to the
 * device.
 */
public final class DeepRewiring implements Rewiring {

    /** θ of a weight that has just come back. */
    private static final float REVIVED = 1e-12f;

    /** Names the stream of random numbers that weights to come back are drawn from. */
    private static final long STREAM = 0xdee9;

    /** As long as one weight in so many stays dormant, guessing finds one soon. */
    private static final int GUESSES = 8;

    /** Creates the rewiring. */
    public DeepRewiring() {}

    /** {@inheritDoc} */
    @Override
    public Wiring wire(TrainedTensor tensor, Mask mask, long seed) {
        return DirectMemory.of(tensor.values()).isPresent()
                ? new HostWiring(tensor, mask, seed)
                : new DeviceWiring(tensor, mask, seed);
    }

    /** Brings so many dormant weights back, every set of them as likely as another. */
    private static void revive(Mask mask, int count, SplittableRandom random) {
        int dormant = mask.size() - mask.remaining();
        if (dormant - count >= mask.size() / GUESSES) {
            for (int left = count; left > 0; ) {
                int index = random.nextInt(mask.size());
                if (!mask.isAlive(index)) {
                    mask.revive(index);
                    left--;
                }
            }
        } else {
            int[] positions = dormant(mask);
            for (int i = 0; i < count; i++) {
                int drawn = i + random.nextInt(dormant - i);
                mask.revive(positions[drawn]);
                positions[drawn] = positions[i];
            }
        }
    }

    private static int[] dormant(Mask mask) {
        int[] positions = new int[mask.size() - mask.remaining()];
        for (int i = 0, next = 0; next < positions.length; i++) {
            if (!mask.isAlive(i)) {
                positions[next++] = i;
            }
        }
        return positions;
    }

    private abstract static class DeepWiring implements Wiring {

        final TrainedTensor tensor;
        final Mask mask;
        private final long seed;

        DeepWiring(TrainedTensor tensor, Mask mask, long seed) {
            this.tensor = tensor;
            this.mask = mask;
            this.seed = seed;
        }

        /** Returns the positions of weights alive whose sign is no longer theirs. */
        abstract int[] crossed();

        /**
         * A momentum that cannot be reached moves dormant weights, which are to come back as new.
         */
        @Override
        public void afterStep() {
            tensor.applyMask(tensor.values());
        }

        @Override
        public int[] rewire(long step, BitSet disconnected) {
            int[] crossed = crossed();
            if (crossed.length > 0) {
                for (int position : crossed) {
                    mask.prune(position);
                }
                int index = tensor.info().index();
                revive(mask, crossed.length, Randoms.stream(seed, STREAM, step, index));
            }
            return crossed;
        }
    }

    /** Passes over the memory of the weights; the state is a plain array. */
    private static final class HostWiring extends DeepWiring {

        private final byte[] signs;

        HostWiring(TrainedTensor tensor, Mask mask, long seed) {
            super(tensor, mask, seed);
            signs = Signs.of(tensor, mask, seed);
        }

        @Override
        int[] crossed() {
            return Positions.where(memory(), (i, weight) -> signs[i] * weight < 0);
        }

        @Override
        public void settle(int[] dormant) {
            byte[] alive = mask.bytes();
            Chunks.forEach(
                    memory(),
                    (chunk, from, to, values) -> {
                        for (int i = from; i < to; i++) {
                            float weight = values[i - from];
                            if (alive[i] == 0) {
                                values[i - from] = 0;
                            } else if (signs[i] * weight <= 0) { // Not so of NaN, which stays.
                                values[i - from] = signs[i] * REVIVED;
                            }
                        }
                        return true;
                    });
        }

        private FloatBuffer memory() {
            return DirectMemory.of(tensor.values()).orElseThrow();
        }

        @Override
        public Object snapshot() {
            return signs.clone();
        }

        @Override
        public void restore(Object snapshot) {
            System.arraycopy((byte[]) snapshot, 0, signs, 0, signs.length);
        }
    }

    /** The engine's operations; the signs lie on the device. */
    private static final class DeviceWiring extends DeepWiring {

        private NDArray signs;

        DeviceWiring(TrainedTensor tensor, Mask mask, long seed) {
            super(tensor, mask, seed);
            signs = Signs.onDevice(tensor, Signs.of(tensor, mask, seed));
        }

        @Override
        int[] crossed() {
            try (NDArray theta = tensor.values().mul(signs);
                    NDArray crossed = theta.lt(0)) {
                return Positions.where(crossed);
            }
        }

        @Override
        public void settle(int[] dormant) {
            try (NDArray theta = tensor.values().mul(signs);
                    NDArray isNew = theta.lte(0);
                    NDArray revived = signs.mul(REVIVED);
                    NDArray settled = NDArrays.where(isNew, revived, tensor.values())) {
                tensor.values().set(new NDIndex("..."), settled);
            }
            tensor.applyMask(tensor.values());
        }

        @Override
        public Object snapshot() {
            return Transfers.bytes(signs);
        }

        @Override
        public void restore(Object snapshot) {
            signs.close();
            signs = Signs.onDevice(tensor, (byte[]) snapshot);
        }
    }
}
