package io.flipout.inference;

import io.flipout.graph.Graph;
import io.flipout.graph.Node;
import io.flipout.inference.kernel.Kernel;
import io.flipout.inference.kernel.Planes;
import io.flipout.inference.kernel.Workers;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Locale;

/**
 * Computes a graph: image by image, or with images side by side where there are enough of them. In
 * a network whose planes become small, images are side by side from there on: a few rows do not
 * fill vectors, and what is read of large planes stays nearer image by image. Arenas wait here for
 * the next prediction.
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
    private final Workers workers;
    private final Stage single;

    /** What is computed image by image before {@link #several}; null if nothing is. */
    private final Stage first;

    private final Stage several;

    Predictor(Graph graph, int[] shape, Workers workers) {
        this.shape = shape;
        this.workers = workers;
        imageSize = graph.input().dims().size();
        outputSize = graph.output().dims().size();
        outputShape = graph.output().dims().axes();
        single = new Stage(graph, 1);
        Node cut = Split.at(graph);
        first = cut == null ? null : new Stage(Split.before(graph, cut), 1);
        several = new Stage(cut == null ? graph : Split.after(graph, cut), LANES);
    }

    /** A graph, its plan and its arenas. */
    private final class Stage {

        private final Graph graph;
        private final int lanes;
        private final Deque<Arena> free = new ArrayDeque<>();
        private Plan plan;
        private Kernel[] kernels;
        private volatile double cost = Double.POSITIVE_INFINITY; // Until there is a plan.

        private Stage(Graph graph, int lanes) {
            this.graph = graph;
            this.lanes = lanes;
        }

        private synchronized Arena take() {
            if (plan == null) {
                plan = new Plan(graph, lanes);
                kernels = plan.kernels();
                cost = plan.cost();
            }
            Arena arena = free.pollLast();
            return arena != null ? arena : new Arena(graph, plan, kernels);
        }

        private synchronized void give(Arena arena) {
            free.addLast(arena);
        }
    }

    /** Memory for one prediction. */
    private final class Arena {

        private final int imageSize;
        private final int outputSize;
        private final float[] floats;
        private final Planes input;
        private final Planes output;
        private final Kernel[] kernels;
        private final int lanes;
        private final float[] images;
        private final float[] results;
        private final OneByOne oneByOne;

        private Arena(Graph graph, Plan plan, Kernel[] kernels) {
            imageSize = graph.input().dims().size();
            outputSize = graph.output().dims().size();
            floats = plan.arena();
            input = plan.input();
            output = plan.output();
            this.kernels = kernels;
            lanes = plan.lanes();
            images = new float[lanes * imageSize];
            results = new float[lanes * outputSize];
            oneByOne = new OneByOne(images);
        }
    }

    /**
     * The first stage for several images: a thread computes whole images, so that threads wait for
     * each other once and not at every layer.
     */
    private final class OneByOne implements Kernel {

        private final float[] results;
        private final Kernel[] self = {this};
        private float[] images;
        private int from;
        private int count;

        private OneByOne(float[] results) {
            this.results = results;
        }

        /** Computes so many images, from one place on. */
        private void compute(float[] all, int place, int number) {
            images = all;
            from = place;
            count = number;
            workers.run(self, results);
            images = null;
        }

        @Override
        public int units() {
            return count;
        }

        @Override
        public void run(float[] unused, int begin, int end) {
            Arena arena = first.take();
            for (int image = begin; image < end; image++) {
                arena.input.load(images, from + image * imageSize, arena.floats);
                for (Kernel kernel : arena.kernels) {
                    kernel.run(arena.floats, 0, kernel.units());
                }
                arena.output.store(arena.floats, results, image * arena.outputSize);
            }
            first.give(arena);
        }

        @Override
        public double cost() {
            return first.cost * count;
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
                            Locale.ROOT,
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
                int count = Math.min(LANES, batch - done);
                if (first == null) {
                    run(arena, images, done * imageSize, count, results, done * outputSize);
                } else {
                    arena.oneByOne.compute(images, done * imageSize, count);
                    run(arena, arena.images, 0, count, results, done * outputSize);
                }
            }
            several.give(arena);
        }
        if (done < batch) {
            Arena arena = single.take();
            for (; done < batch; done++) {
                run(arena, images, done * imageSize, 1, results, done * outputSize);
            }
            single.give(arena);
        }
        return results;
    }

    /** Computes so many images, from one place on, and writes their outputs to another. */
    private void run(Arena arena, float[] images, int from, int count, float[] results, int to) {
        boolean full = count == arena.lanes;
        if (full || images == arena.images) {
            arena.input.load(images, from, arena.floats);
        } else {
            System.arraycopy(images, from, arena.images, 0, count * arena.imageSize);
            arena.input.load(arena.images, 0, arena.floats);
        }
        workers.run(arena.kernels, arena.floats);
        if (full) {
            arena.output.store(arena.floats, results, to);
        } else {
            arena.output.store(arena.floats, arena.results, 0);
            System.arraycopy(arena.results, 0, results, to, count * arena.outputSize);
        }
    }
}
