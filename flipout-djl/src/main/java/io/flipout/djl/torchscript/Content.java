package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Optional;

/** The bytes of a record, handed out piece by piece as often as they are needed. */
interface Content {

    /** The largest piece. */
    int PIECE = 1 << 16;

    /** What is done with a piece. */
    @FunctionalInterface
    interface Sink {
        void accept(byte[] bytes, int length) throws IOException;
    }

    /** The number of bytes. */
    long size();

    /** Hands out all bytes in order. */
    void forEach(Sink sink) throws IOException;

    static Content of(byte[] bytes) {
        return of(ByteBuffer.wrap(bytes));
    }

    static Content of(ByteBuffer bytes) {
        return new Content() {
            @Override
            public long size() {
                return bytes.remaining();
            }

            @Override
            public void forEach(Sink sink) throws IOException {
                ByteBuffer rest = bytes.duplicate();
                byte[] piece = new byte[PIECE];
                while (rest.hasRemaining()) {
                    int length = Math.min(PIECE, rest.remaining());
                    rest.get(piece, 0, length);
                    sink.accept(piece, length);
                }
            }
        };
    }

    /** The numbers of an array, without a copy of all of it where its memory is at hand. */
    static Content of(NDArray array) {
        Optional<FloatBuffer> memory = DirectMemory.of(array);
        if (memory.isPresent()) {
            return of(memory.get());
        }
        return of(ByteBuffer.wrap(Transfers.bytes(array)));
    }

    private static Content of(FloatBuffer floats) {
        return new Content() {
            @Override
            public long size() {
                return 4L * floats.limit();
            }

            @Override
            public void forEach(Sink sink) throws IOException {
                byte[] piece = new byte[PIECE];
                FloatBuffer view =
                        ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
                for (int from = 0; from < floats.limit(); from += view.capacity()) {
                    int count = Math.min(view.capacity(), floats.limit() - from);
                    view.put(0, floats, from, count);
                    sink.accept(piece, 4 * count);
                }
            }
        };
    }

    /** A stream that can be opened as often as it is read. */
    @FunctionalInterface
    interface Source {
        InputStream open() throws IOException;
    }

    static Content of(long size, Source source) {
        return new Content() {
            @Override
            public long size() {
                return size;
            }

            @Override
            public void forEach(Sink sink) throws IOException {
                byte[] piece = new byte[PIECE];
                try (InputStream in = source.open()) {
                    for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
                        sink.accept(piece, n);
                    }
                }
            }
        };
    }
}
