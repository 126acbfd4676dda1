package io.flipout.djl.torchscript;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes the few opcodes of Python's pickle protocol 2 that TorchScript reads. */
final class PickleWriter {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    PickleWriter() {
        out.write(0x80);
        out.write(2);
    }

    byte[] finish() {
        out.write('.');
        return out.toByteArray();
    }

    /** Pushes an object of a class of the archive's code or of Python. */
    PickleWriter global(String module, String name) {
        out.write('c');
        text(module + "\n" + name + "\n");
        return this;
    }

    /** Begins a module, after its {@link #global}. */
    PickleWriter newObject() {
        return emptyTuple().op(0x81);
    }

    PickleWriter emptyTuple() {
        return op(')');
    }

    PickleWriter emptyDict() {
        return op('}');
    }

    PickleWriter emptyList() {
        return op(']');
    }

    PickleWriter mark() {
        return op('(');
    }

    PickleWriter tuple() {
        return op('t');
    }

    PickleWriter setItems() {
        return op('u');
    }

    PickleWriter appends() {
        return op('e');
    }

    PickleWriter reduce() {
        return op('R');
    }

    PickleWriter build() {
        return op('b');
    }

    PickleWriter persistentId() {
        return op('Q');
    }

    PickleWriter bool(boolean value) {
        return op(value ? 0x88 : 0x89);
    }

    PickleWriter string(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        op('X');
        littleEndian(bytes.length, 4);
        out.writeBytes(bytes);
        return this;
    }

    PickleWriter integer(long value) {
        if (value == (int) value) {
            op('J');
            littleEndian(value, 4);
        } else {
            op(0x8a).op(8);
            littleEndian(value, 8);
        }
        return this;
    }

    PickleWriter integers(long... values) {
        mark();
        for (long value : values) {
            integer(value);
        }
        return tuple();
    }

    private void littleEndian(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> (8 * i)));
        }
    }

    private void text(String ascii) {
        out.writeBytes(ascii.getBytes(StandardCharsets.UTF_8));
    }

    private PickleWriter op(int code) {
        out.write(code);
        return this;
    }
}
