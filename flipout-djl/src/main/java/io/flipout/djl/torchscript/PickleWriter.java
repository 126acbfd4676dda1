package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Persistent;
import io.flipout.djl.torchscript.Pickle.Tuple;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Writes the few opcodes of Python's pickle protocol 2 that TorchScript reads. */
final class PickleWriter {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<Object, Integer> memo = new IdentityHashMap<>();

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

    /** Writes what {@link PickleReader} read; what is the same object there is so here. */
    PickleWriter value(Object value) {
        if (value == null) {
            return op('N');
        }
        if (value instanceof Boolean truth) {
            return bool(truth);
        }
        if (value instanceof Long number) {
            return integer(number);
        }
        if (value instanceof Double number) {
            long bits = Double.doubleToRawLongBits(number);
            op('G').littleEndian(Long.reverseBytes(bits), Long.BYTES);
            return this;
        }
        if (value instanceof String text) {
            return string(text);
        }
        if (value instanceof Global name) {
            return global(name.module(), name.name());
        }
        if (value instanceof Tuple tuple) {
            return mark().values(tuple.items()).tuple();
        }
        if (value instanceof Persistent outside) {
            return value(outside.id()).persistentId();
        }
        Integer known = memo.get(value);
        if (known != null) {
            op('j').littleEndian(known, Integer.BYTES);
            return this;
        }
        object(value);
        memo.put(value, memo.size());
        op('r').littleEndian(memo.size() - 1L, Integer.BYTES);
        return this;
    }

    private void object(Object value) {
        if (value instanceof Instance instance) {
            global(instance.type().module(), instance.type().name()).newObject();
            value(instance.state()).build();
        } else if (value instanceof Call call) {
            global(call.function().module(), call.function().name());
            value(call.arguments()).reduce();
        } else if (value instanceof Dict dict) {
            emptyDict().mark().values(dict.entries()).setItems();
        } else if (value instanceof List<?> list) {
            emptyList().mark().values(list).appends();
        } else {
            throw new IllegalArgumentException("A pickle holds no " + value.getClass());
        }
    }

    private PickleWriter values(List<?> values) {
        values.forEach(this::value);
        return this;
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
