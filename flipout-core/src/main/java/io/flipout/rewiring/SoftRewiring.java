package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.flipout.mask.Mask;
import io.flipout.schedule.PruningEvent;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Soft Deep-R's rewiring: every weight has a latent θ, moved in every step and at least θ_min. The
 * weight is w = s·θ, its sign s for good, while θ &gt; 0, and dormant otherwise. So any number of
 * weights may be alive.
 *
 * <p>s is the sign of the weight where it is alive at first and drawn elsewhere; a weight dormant
 * at first has a θ drawn from θ_min to 0. The optimizer moves s·θ, by the weight's gradient while
 * it is alive and by noise at all times.
 *
 * <p>It takes 5 bytes a weight. On a CPU a step takes three passes over the weights; elsewhere some
 * ten operations of the engine, the positions of the weights that went or came are read by the
 * host, which waits for them, and the mask, a byte a weight, goes to the device.
 *
 * @param minimum θ_min, less than 0
 */
public record SoftRewiring(float minimum) implements Rewiring {

    /** Names the stream of random numbers that latent values are drawn from. */
    private static final long STREAM = 0x50f7;

    /**
     * Creates the rewiring.
     *
     * @throws IllegalArgumentException if θ_min is not a negative number
     */
    public SoftRewiring {
        if (!(minimum < 0 && Float.isFinite(minimum))) {
            throw new IllegalArgumentException(
                    "The least latent value of soft rewiring must be a number less than 0, got "
                            + minimum);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void check(List<PruningEvent> events) {
        for (PruningEvent event : events) {
            if (event.at() > 0) {
                throw new IllegalArgumentException(
                        "Soft rewiring brings weights back as it likes, so nothing can be pruned"
                                + " once the training has begun: use"
                                + " Schedule.beforeTraining(sparsity, 1) or Schedule.none().");
            }
        }
    }

    /** {@inheritDoc} */
    @Override
    public Wiring wire(TrainedTensor tensor, Mask mask, long seed) {
        byte[] signs = Signs.of(tensor, mask, seed);
        float[] latent = latent(tensor, mask, signs, seed);
        return DirectMemory.of(tensor.values()).isPresent()
                ? new HostWiring(tensor, mask, signs, latent)
                : new DeviceWiring(tensor, mask, signs, latent);
    }

    /** Returns s·θ of every weight: itself where alive, a draw elsewhere. */
    private float[] latent(TrainedTensor tensor, Mask mask, byte[] signs, long seed) {
        float[] latent = Transfers.floats(tensor.values());
        Chunks.forEach(
                latent.length,
                (chunk, from, to) -> {
                    SplittableRandom random =
                            Randoms.stream(seed, STREAM, tensor.info().index(), chunk);
                    for (int i = from; i < to; i++) {
                        float drawn = signs[i] * minimum * (float) random.nextDouble();
                        latent[i] = mask.isAlive(i) ? latent[i] : drawn;
                    }
                });
        return latent;
    }

    private abstract static class SoftWiring implements Wiring {

        final TrainedTensor tensor;
        final Mask mask;

        SoftWiring(TrainedTensor tensor, Mask mask) {
            this.tensor = tensor;
            this.mask = mask;
        }

        /** Returns the positions of weights of which θ does not say what the mask says. */
        abstract int[] changed();

        @Override
        public int[] rewire(long step, BitSet disconnected) {
            int[] changed = changed();
            int[] dormant = new int[changed.length];
            int count = 0;
            for (int position : changed) {
                if (mask.isAlive(position)) {
                    mask.prune(position);
                    dormant[count++] = position;
                } else {
                    mask.revive(position);
                }
            }
            return Arrays.copyOf(dormant, count);
        }

        /** The weights are right already: they do not depend on the mask. */
        @Override
        public void settle(int[] dormant) {}
    }

    /** Passes over the memory of the weights; the state is plain arrays. */
    private final class HostWiring extends SoftWiring {

        private final byte[] signs;
        private final float[] latent;

        HostWiring(TrainedTensor tensor, Mask mask, byte[] signs, float[] latent) {
            super(tensor, mask);
            this.signs = signs;
            this.latent = latent;
        }

        @Override
        public void beforeStep() {
            memory().put(0, latent);
        }

        @Override
        public void afterStep() {
            Chunks.forEach(
                    memory(),
                    (chunk, from, to, values) -> {
                        for (int i = from; i < to; i++) {
                            float value = values[i - from];
                            float theta = signs[i] * value;
                            latent[i] = theta < minimum ? signs[i] * minimum : value;
                            values[i - from] = theta <= 0 ? 0 : value; // NaN stays to be seen.
                        }
                        return true;
                    });
        }

        @Override
        int[] changed() {
            byte[] alive = mask.bytes();
            return Positions.where(
                    FloatBuffer.wrap(latent),
                    (i, value) -> signs[i] * value <= 0 == (alive[i] != 0));
        }

        private FloatBuffer memory() {
            return DirectMemory.of(tensor.values()).orElseThrow();
        }

        @Override
        public Object snapshot() {
            return List.of(signs.clone(), latent.clone());
        }

        @Override
        public void restore(Object snapshot) {
            List<?> from = (List<?>) snapshot;
            System.arraycopy((byte[]) from.get(0), 0, signs, 0, signs.length);
            System.arraycopy((float[]) from.get(1), 0, latent, 0, latent.length);
        }
    }

    /** The engine's operations; the state lies on the device. */
    private final class DeviceWiring extends SoftWiring {

        private NDArray signs;
        private NDArray latent;

        DeviceWiring(TrainedTensor tensor, Mask mask, byte[] signs, float[] latent) {
            super(tensor, mask);
            put(signs, latent);
        }

        private void put(byte[] newSigns, float[] newLatent) {
            NDManager manager = tensor.manager();
            signs = Signs.onDevice(tensor, newSigns);
            latent = manager.create(newLatent, tensor.values().getShape());
        }

        @Override
        public void beforeStep() {
            tensor.values().set(new NDIndex("..."), latent);
        }

        @Override
        public void afterStep() {
            NDArray values = tensor.values();
            try (NDArray theta = values.mul(signs);
                    NDArray clipped = theta.maximum(minimum);
                    NDArray kept = clipped.mul(signs);
                    NDArray isDormant = theta.lte(0);
                    NDArray isAlive = isDormant.logicalNot();
                    NDArray nothing = tensor.manager().zeros(new Shape());
                    NDArray weights = NDArrays.where(isAlive, values, nothing)) {
                latent.set(new NDIndex("..."), kept);
                values.set(new NDIndex("..."), weights);
            }
        }

        @Override
        int[] changed() {
            try (NDArray theta = latent.mul(signs);
                    NDArray isDormant = theta.lte(0);
                    NDArray changed = isDormant.eq(tensor.deviceMask())) {
                return Positions.where(changed);
            }
        }

        @Override
        public Object snapshot() {
            return List.of(Transfers.bytes(signs), Transfers.floats(latent));
        }

        @Override
        public void restore(Object snapshot) {
            List<?> from = (List<?>) snapshot;
            signs.close();
            latent.close();
            put((byte[]) from.get(0), (float[]) from.get(1));
        }
    }
}
