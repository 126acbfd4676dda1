package io.flipout.inference;

import io.flipout.inference.graph.Graph;
import io.flipout.inference.kernel.Kernel;
import io.flipout.inference.kernel.Planes;
import io.flipout.inference.kernel.Workers;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Computes a graph: image by image, or with images side by side where there are enough of them.
 * Arenas wait here for the next prediction.
 */
final class Predictor {

    /** Images side by side: as many as the widest vector has numbers. */
    private static final int LANES = Planes.ROOM;

    /** From so many images on they are computed side by side, with the rest of the lanes idle. */
    private static final int WORTHWHILE = LANES / 2;

    private final int[] shape;
    private final int imageSize;
    private final int outputSize;
    private final int[] outputShape;
    private final Graph graph;
    private final Workers workers;
    private final Mode single = new Mode(1);
    private final Mode several = new Mode(LANES);

    Predictor(Graph graph, int[] shape, Workers workers) {
        this.graph = graph;
        this.shape = shape;
        this.workers = workers;
        imageSize = graph.input().dims().size();
        outputSize = graph.output().dims().size();
        outputShape = graph.output().dims().axes();
    }

    /** A plan with its arenas. */
    private final class Mode {

        private final int lanes;
        private final Deque<Arena> free = new ArrayDeque<>();
        private Plan plan;
        private Kernel[] kernels;

        private Mode(int lanes) {
            this.lanes = lanes;
        }

        private synchronized Arena take() {
            if (plan == null) {
                plan = new Plan(graph, lanes);
                kernels = plan.kernels();
            }
            Arena arena = free.pollLast();
            return arena != null ? arena : new Arena(plan, kernels, imageSize, outputSize);
        }

        private synchronized void give(Arena arena) {
            free.addLast(arena);
        }
    }

    /** Memory for one prediction. */
    private static final class Arena {

        private final float[] floats;
        private final Planes input;
        private final Planes output;
        private final Kernel[] kernels;
        private final int lanes;
        private final float[] images;
        private final float[] results;

        private Arena(Plan plan, Kernel[] kernels, int imageSize, int outputSize) {
            floats = plan.arena();
            input = plan.input();
            output = plan.output();
            this.kernels = kernels;
            lanes = plan.lanes();
            images = new float[lanes * imageSize];
            results = new float[lanes * outputSize];
        }
    }

    boolean takes(int[] other) {
        return Arrays.equals(shape, other);
    }

    int[] outputShape() {
        return outputShape.clone();
    }

    float[] predict(float[] images, int batch) {
        if (batch < 0 || (long) batch * imageSize != images.length) {
            throw new IllegalArgumentException(
                    String.format(
                            "%d images of shape %s have %d numbers, not %d.",
                            batch,
                            Arrays.toString(shape),
                            (long) batch * imageSize,
                            images.length));
        }
        float[] results = new float[Math.multiplyExact(batch, outputSize)];
        int done = 0;
        if (batch >= WORTHWHILE) {
            Arena arena = several.take();
            for (; batch - done >= WORTHWHILE; done += Math.min(LANES, batch - done)) {
                run(arena, images, done, Math.min(LANES, batch - done), results);
            }
            several.give(arena);
        }
        if (done < batch) {
            Arena arena = single.take();
            for (; done < batch; done++) {
                run(arena, images, done, 1, results);
            }
            single.give(arena);
        }
        return results;
    }

    private void run(Arena arena, float[] images, int first, int count, float[] results) {
        boolean full = count == arena.lanes;
        if (full) {
            arena.input.load(images, first * imageSize, arena.floats);
        } else {
            System.arraycopy(images, first * imageSize, arena.images, 0, count * imageSize);
            arena.input.load(arena.images, 0, arena.floats);
        }
        workers.run(arena.kernels, arena.floats);
        if (full) {
            arena.output.store(arena.floats, results, first * outputSize);
        } else {
            arena.output.store(arena.floats, arena.results, 0);
            System.arraycopy(arena.results, 0, results, first * outputSize, count * outputSize);
        }
    }
}
