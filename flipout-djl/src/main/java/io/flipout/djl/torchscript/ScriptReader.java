package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Tuple;
import io.flipout.djl.torchscript.ScriptCode.Foreign;
import io.flipout.djl.torchscript.TorchScriptFile.Records;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the records that {@link ScriptWriter} writes: the code, and the tensors by the attributes
 * that lead to them. What a tensor claims to hold is compared with its record before memory is
 * taken, and a record is read once, however often it is used.
 */
final class ScriptReader {

    private static final String CODE = "code/__torch__/flipout.py";

    /** Deeper than any module in a module that is written. */
    private static final int DEEPEST = 200;

    /** The records do not belong together. */
    private static final class Malformed extends Exception {

        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    private final Path path;
    private final Records records;
    private final Map<String, Object> storages = new HashMap<>();
    private final Map<List<String>, LayerTensor> attributes = new HashMap<>();
    private final List<LayerTensor> constants = new ArrayList<>();
    private final String code;
    private final ScriptCode.Forward forward;

    /**
     * Reads all records.
     *
     * @throws TorchScriptException if they are damaged or of other origin
     */
    ScriptReader(Path path, Records records) throws IOException {
        this.path = path;
        this.records = records;
        if (!records.under("code").equals(List.of(CODE))) {
            throw foreign();
        }
        code = new String(records.text(CODE), StandardCharsets.UTF_8);
        try {
            Object root = PickleReader.read(records.text("data.pkl"));
            if (!(root instanceof Instance module) || !isOurs(module.type())) {
                throw foreign();
            }
            forward = ScriptCode.forward(code, module.type().name());
            module(module, new ArrayList<>());
            Tuple numbers = (Tuple) PickleReader.read(records.text("constants.pkl"));
            storages.clear();
            for (Object constant : numbers.items()) {
                constants.add(tensor(constant, "constants"));
            }
        } catch (Foreign e) {
            throw foreign();
        } catch (Malformed | IllegalArgumentException e) {
            throw new TorchScriptException(path + " is damaged: " + e.getMessage() + ".", e);
        } catch (ClassCastException | IndexOutOfBoundsException | ArithmeticException e) {
            throw new TorchScriptException(path + " is damaged: its modules are incomplete.", e);
        }
    }

    /** The method of the module. */
    ScriptCode.Forward forward() {
        return forward;
    }

    /** The numbers. */
    ScriptGraph.Tensors tensors() {
        return new ScriptGraph.Tensors() {
            @Override
            public LayerTensor attribute(List<String> attributePath) {
                return attributes.get(attributePath);
            }

            @Override
            public LayerTensor constant(int index) {
                return index < constants.size() ? constants.get(index) : null;
            }
        };
    }

    private TorchScriptException foreign() {
        return new TorchScriptException(
                path
                        + " was not written by this project's export, or was changed since: the"
                        + " PyTorch engine runs it.");
    }

    private static boolean isOurs(Global type) {
        return type.module().equals(ModuleCode.PACKAGE);
    }

    private void module(Instance module, List<String> attributePath)
            throws IOException, Malformed, Foreign {
        if (attributePath.size() > DEEPEST) {
            throw new Malformed("its modules are too deep");
        }
        if (module.state() instanceof Tuple state) {
            sparse(ScriptCode.tensors(code, module.type().name()), state.items(), attributePath);
            return;
        }
        List<Object> entries = ((Dict) module.state()).entries();
        for (int i = 0; i < entries.size(); i += 2) {
            List<String> longer = append(attributePath, (String) entries.get(i));
            if (entries.get(i + 1) instanceof Instance child) {
                module(child, longer);
            } else if (entries.get(i + 1) instanceof Call call) {
                attributes.put(longer, tensor(call, "data"));
            }
        }
    }

    /** As {@link SparseState} writes it: gaps, values and shape take the place of a tensor. */
    private void sparse(List<String> names, List<Object> state, List<String> attributePath)
            throws IOException, Malformed {
        int field = 0;
        for (String name : names) {
            LayerTensor tensor;
            if (field + 2 < state.size() && isShape(state.get(field + 2))) {
                tensor = sparse(state.subList(field, field + 3));
                field += 3;
            } else {
                tensor = tensor(state.get(field++), "data");
            }
            attributes.put(append(attributePath, name), tensor);
        }
        if (field != state.size() - 1) {
            throw new Malformed("a module's state has another length");
        }
    }

    private static boolean isShape(Object state) {
        return state instanceof Call call && call.function().name().equals("build_intlist");
    }

    private LayerTensor sparse(List<Object> state) throws IOException, Malformed {
        int[] sizes = sizes((List<?>) ((Call) state.get(2)).arguments().items().get(0));
        if (!(numbers(stored(state.get(0)), "data") instanceof int[] gaps)
                || !(numbers(stored(state.get(1)), "data") instanceof float[] values)
                || gaps.length != values.length
                || sizes.length < 2) {
            throw new Malformed("a sparse weight is of another type");
        }
        long size = size(sizes);
        long position = 0;
        for (int i = 0; i < gaps.length; i++) {
            position += gaps[i];
            if (gaps[i] < (i == 0 ? 0 : 1) || position >= size) {
                throw new Malformed("a sparse weight lies outside of its tensor");
            }
        }
        return new LayerTensor(sizes, values, gaps);
    }

    private static StoredTensor stored(Object value) throws Malformed {
        return StoredTensor.of(value)
                .orElseThrow(() -> new Malformed("a tensor is made in another way"));
    }

    /** A tensor; null if its numbers are not float32. */
    private LayerTensor tensor(Object value, String folder) throws IOException, Malformed {
        StoredTensor stored = stored(value);
        int[] sizes = sizes(stored.sizes());
        if (!(numbers(stored, folder) instanceof float[] values)) {
            return null;
        }
        if (size(sizes) != values.length) {
            throw new Malformed("a tensor has another size than its numbers");
        }
        return new LayerTensor(sizes, values, null);
    }

    /** The numbers of a tensor: float[] or int[]; null if they are of another type. */
    private Object numbers(StoredTensor tensor, String folder) throws IOException, Malformed {
        String type = tensor.storage().type();
        String key = tensor.storage().key();
        long count = tensor.storage().length();
        long step = 1;
        for (int axis = tensor.sizes().size() - 1; axis >= 0; axis--) {
            if (tensor.strides().get(axis) != step) {
                throw new Malformed("a tensor's numbers lie in another order");
            }
            step = Math.multiplyExact(step, tensor.sizes().get(axis));
        }
        if (tensor.offset() != 0 || step != count || count < 0 || count > Integer.MAX_VALUE / 4) {
            throw new Malformed("a tensor has another size than its numbers");
        }
        boolean isFloat = type.equals("FloatStorage");
        if (!isFloat && !type.equals("IntStorage")) {
            return null;
        }
        Object numbers = storages.get(type + key);
        if (numbers == null) {
            String record = folder + "/" + key;
            numbers = isFloat ? floats(record, (int) count) : integers(record, (int) count);
            storages.put(type + key, numbers);
        }
        if (Array.getLength(numbers) != count) {
            throw new Malformed("a tensor has another size than its numbers");
        }
        return numbers;
    }

    private float[] floats(String record, int count) throws IOException {
        Floats floats = new Floats(count);
        records.numbers(record, 4L * count, floats);
        return floats.values();
    }

    private int[] integers(String record, int count) throws IOException {
        float[] bits = floats(record, count);
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.floatToRawIntBits(bits[i]);
        }
        return values;
    }

    private static int[] sizes(List<?> axes) throws Malformed {
        int[] sizes = new int[axes.size()];
        for (int i = 0; i < sizes.length; i++) {
            long axis = (Long) axes.get(i);
            if (axis < 1 || axis > Integer.MAX_VALUE) {
                throw new Malformed("a tensor has a size of " + axis);
            }
            sizes[i] = (int) axis;
        }
        return sizes;
    }

    private static long size(int[] sizes) throws Malformed {
        long size = 1;
        for (int axis : sizes) {
            size *= axis;
            if (size > Integer.MAX_VALUE) {
                throw new Malformed("a tensor has more numbers than an array holds");
            }
        }
        return size;
    }

    private static List<String> append(List<String> attributePath, String name) {
        List<String> longer = new ArrayList<>(attributePath);
        longer.add(name);
        return longer;
    }

    /** Puts bytes together to numbers; pieces may end within one. */
    private static final class Floats implements Content.Sink {

        private final float[] values;
        private final ByteBuffer rest;
        private int count;

        private Floats(int count) {
            values = new float[count];
            rest = ByteBuffer.allocate(Content.PIECE + 4).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public void accept(byte[] bytes, int length) {
            rest.put(bytes, 0, length).flip();
            int whole = Math.min(rest.remaining() / 4, values.length - count);
            rest.asFloatBuffer().get(values, count, whole);
            count += whole;
            rest.position(4 * whole);
            rest.compact();
        }

        private float[] values() throws IOException {
            if (count < values.length) {
                throw new java.io.EOFException("a record ends too early");
            }
            return values;
        }
    }
}
