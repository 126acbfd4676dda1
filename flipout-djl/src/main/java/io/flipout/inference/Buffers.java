package io.flipout.inference;

import io.flipout.graph.Dims;
import io.flipout.inference.kernel.Planes;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of an arena, each for planes of one size. What one node has left free another of the
 * same size takes, so that zeros around the planes stay zeros. A buffer may have one channel more,
 * of ones.
 */
final class Buffers {

    /**
     * Where the first begins. Java's usual collector puts a large array's header of 16 bytes at the
     * start of a page: with as many bytes more, vectors cross no line of the cache.
     */
    private static final int ALIGNED = 12;

    private final Layouts layouts;
    private final int lanes;
    private final List<Buffer> all = new ArrayList<>();
    private final List<Buffer> free = new ArrayList<>();

    Buffers(Layouts layouts, int lanes) {
        this.layouts = layouts;
        this.lanes = lanes;
    }

    /** Channels of one size. */
    static final class Buffer {

        private final Dims dims;
        private int channels;
        private boolean ones;
        private int users;
        private Planes planes;

        private Buffer(Dims dims, int channels) {
            this.dims = dims;
            this.channels = channels;
        }

        private boolean fits(Dims other) {
            return dims.height() == other.height() && dims.width() == other.width();
        }

        /** Asks for a channel of ones behind all others. */
        void needOnes() {
            ones = true;
        }

        /** Where its channels are, the one of ones too. */
        Planes planes() {
            return planes;
        }

        boolean hasOnes() {
            return ones;
        }
    }

    /** A buffer for a node; one more user is counted. */
    Buffer take(Dims dims) {
        Buffer best = null;
        for (Buffer buffer : free) {
            if (buffer.fits(dims) && (best == null || isBetter(buffer, best, dims.channels()))) {
                best = buffer;
            }
        }
        if (best == null) {
            best = new Buffer(dims, dims.channels());
            all.add(best);
        } else {
            free.remove(best);
            best.channels = Math.max(best.channels, dims.channels());
        }
        best.users = 1;
        return best;
    }

    /** The smallest that is large enough, else the largest. */
    private static boolean isBetter(Buffer one, Buffer other, int channels) {
        boolean fits = one.channels >= channels;
        boolean otherFits = other.channels >= channels;
        return fits == otherFits ? fits == one.channels < other.channels : fits;
    }

    /** Counts one more user. */
    void share(Buffer buffer) {
        buffer.users++;
    }

    /** Counts one user less. */
    void release(Buffer buffer) {
        if (--buffer.users == 0) {
            free.add(buffer);
        }
    }

    /** Gives each buffer its place, and returns the floats of all. */
    int place() {
        int offset = ALIGNED;
        for (Buffer buffer : all) {
            int channels = buffer.channels + (buffer.ones ? 1 : 0);
            buffer.planes = layouts.planes(buffer.dims, channels, lanes).at(offset);
            int end = Math.addExact(offset, buffer.planes.size());
            int vectors = Math.addExact(end - ALIGNED, Planes.ROOM) / Planes.ROOM;
            offset = Math.addExact(vectors * Planes.ROOM, ALIGNED);
        }
        return offset;
    }

    List<Buffer> all() {
        return all;
    }
}
