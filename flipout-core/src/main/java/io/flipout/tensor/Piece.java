package io.flipout.tensor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A piece of a tensor while a step goes over it: copies of its weights and gradients that fit the
 * first-level cache, read when they are first asked for and written back at the end where they
 * changed.
 */
public final class Piece {

    private static final VarHandle EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** Where fewer than one in so many are alive, they are looked at one by one. */
    private static final int FEW = 8;

    private final float[] weights = new float[Chunks.SIZE];
    private final float[] gradients = new float[Chunks.SIZE];
    private final List<float[]> buffers = new ArrayList<>();
    private final int[] alive = new int[Chunks.SIZE + 1];
    private static final float[] ZEROS = new float[Chunks.SIZE];

    private Update update;
    private int tensor;
    private int chunk;
    private int from;
    private int size;
    private boolean hasWeights;
    private boolean hasGradients;
    private boolean weightsChanged;
    private boolean gradientsChanged;
    private boolean gradientsDone;
    private boolean hasAlive;
    private int aliveCount;

    Piece() {}

    void begin(Update next, int number, int chunkNumber, int first, int end) {
        update = next;
        tensor = number;
        chunk = chunkNumber;
        from = first;
        size = end - first;
        hasWeights = false;
        hasGradients = false;
        weightsChanged = false;
        gradientsChanged = false;
        gradientsDone = false;
        hasAlive = false;
        aliveCount = -1;
    }

    void end() {
        if (weightsChanged && hasWeights) {
            update.weightMemory().orElseThrow().put(from, weights, 0, size);
        }
        if (gradientsDone) {
            update.gradientMemory().orElseThrow().put(from, ZEROS, 0, size);
        } else if (gradientsChanged && hasGradients) {
            update.gradientMemory().orElseThrow().put(from, gradients, 0, size);
        }
    }

    /**
     * Returns which of the step's updates this is of.
     *
     * @return the position in the list, from 0
     */
    public int tensor() {
        return tensor;
    }

    /**
     * Returns the update.
     *
     * @return what is updated
     */
    public Update update() {
        return update;
    }

    /**
     * Returns the number of the piece in its tensor.
     *
     * @return the number, from 0
     */
    public int chunk() {
        return chunk;
    }

    /**
     * Returns the position of the first weight in its tensor.
     *
     * @return the position, row-major
     */
    public int from() {
        return from;
    }

    /**
     * Returns the number of weights.
     *
     * @return the number, at most {@link Chunks#SIZE}
     */
    public int size() {
        return size;
    }

    /**
     * Returns the weights.
     *
     * @return a copy, of which the first {@link #size()} count
     */
    public float[] weights() {
        if (!hasWeights) {
            update.weightMemory().orElseThrow().get(from, weights, 0, size);
            hasWeights = true;
        }
        return weights;
    }

    /** The weights have been written to. */
    public void changeWeights() {
        weightsChanged = true;
    }

    /**
     * Returns the gradients, 0 where weights are pruned.
     *
     * @return a copy, of which the first {@link #size()} count
     */
    public float[] gradients() {
        if (!hasGradients) {
            update.gradientMemory().orElseThrow().get(from, gradients, 0, size);
            hasGradients = true;
            mask(gradients);
        }
        return gradients;
    }

    /** The gradients have been written to, and are to stay so. */
    public void changeGradients() {
        gradientsChanged = true;
    }

    /** The gradients have served: they are to be 0, for the next backward pass adds to them. */
    public void clearGradients() {
        gradientsDone = true;
    }

    /** Sets pruned weights to 0. */
    public void maskWeights() {
        if (update.mask().isPresent()) {
            mask(weights());
            changeWeights();
        }
    }

    /** No product, which NaN would survive. */
    private void mask(float[] values) {
        if (!isDense()) {
            byte[] mask = update.mask().orElseThrow().bytes();
            StepLoops.best(size).mask(values, size, mask, from);
        }
    }

    /**
     * Returns the sum of the squares of numbers of this piece, in an order that depends on their
     * number alone.
     *
     * @param values the numbers, such as {@link #gradients()}
     * @return the sum over the first {@link #size()}
     */
    public double squares(float[] values) {
        return StepLoops.best(size).squares(values, size);
    }

    /**
     * Counts which weights have another sign, −1, 0 or 1, than before. Pruned weights are 0 before
     * and after.
     *
     * @param signs the signs before, of the whole tensor; takes those of now
     * @param flips the counts, of the whole tensor
     */
    public void countFlips(byte[] signs, int[] flips) {
        if (countAlive() * FEW > size) {
            Signs.countFlips(weights(), size, signs, flips, from);
            return;
        }
        float[] now = weights();
        int[] living = alive();
        for (int i = 0; i < aliveCount; i++) {
            int at = living[i];
            PlainLoops.countFlips(now, at, at + 1, signs, flips, from);
        }
    }

    /**
     * Tells whether all weights are alive.
     *
     * @return true if so
     */
    public boolean isDense() {
        return update.mask().isEmpty() || countAlive() == size;
    }

    /**
     * Returns the positions in this piece of the weights that are alive.
     *
     * @return an array of which the first {@link #countAlive()} count
     */
    public int[] alive() {
        if (!hasAlive) {
            update.mask().ifPresentOrElse(mask -> find(mask.bytes()), this::findAll);
            hasAlive = true;
        }
        return alive;
    }

    /**
     * Returns the number of weights that are alive.
     *
     * @return the number
     */
    public int countAlive() {
        if (aliveCount < 0) {
            aliveCount = update.mask().map(mask -> count(mask.bytes())).orElse(size);
        }
        return aliveCount;
    }

    private int count(byte[] mask) {
        int count = 0;
        int i = 0;
        for (; i + Long.BYTES <= size; i += Long.BYTES) {
            count += Long.bitCount((long) EIGHT.get(mask, from + i));
        }
        for (; i < size; i++) {
            count += mask[from + i];
        }
        return count;
    }

    private void find(byte[] mask) {
        int count = 0;
        int i = 0;
        for (; i + Long.BYTES <= size; i += Long.BYTES) {
            if ((long) EIGHT.get(mask, from + i) != 0) { // Most are, where much is pruned.
                for (int j = i; j < i + Long.BYTES; j++) {
                    alive[count] = j; // Without a branch, which half-pruned weights mispredict.
                    count += mask[from + j];
                }
            }
        }
        for (; i < size; i++) {
            if (mask[from + i] != 0) {
                alive[count++] = i;
            }
        }
    }

    private void findAll() {
        for (int i = 0; i < size; i++) {
            alive[i] = i;
        }
    }

    /**
     * Reads this piece's part of an array of the tensor's shape.
     *
     * @param memory the memory of the array
     * @param into takes the numbers from position 0
     */
    public void read(FloatBuffer memory, float[] into) {
        memory.get(from, into, 0, size);
    }

    /**
     * Writes this piece's part of an array of the tensor's shape.
     *
     * @param memory the memory of the array
     * @param numbers the numbers from position 0
     */
    public void write(FloatBuffer memory, float[] numbers) {
        memory.put(from, numbers, 0, size);
    }

    /**
     * Returns numbers for any use while the piece is worked on; the next work may overwrite them.
     *
     * @param number which array, from 0
     * @return an array of {@link Chunks#SIZE}
     */
    public float[] buffer(int number) {
        while (buffers.size() <= number) {
            buffers.add(new float[Chunks.SIZE]);
        }
        return buffers.get(number);
    }
}
