package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Persistent;
import io.flipout.djl.torchscript.Pickle.Tuple;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes TorchScript files by hand, with whatever in them. */
public final class HandMadeModule {

    /** The method of a linear layer of images. */
    public static final String LINEAR =
            forward("Tensor", "torch.linear(torch.flatten(x, 1), self.w)");

    private final Map<String, byte[]> records = new LinkedHashMap<>();
    private final String code;
    private boolean deflates;

    /** Begins a file with the code of its one file, in which the root is of class Root. */
    HandMadeModule(String code) {
        this.code = code;
    }

    /** A method forward of one line. */
    public static String forward(String type, String result) {
        return "  def forward(self: __torch__.Root,\n    x: Tensor) -> "
                + type
                + ":\n    return "
                + result
                + "\n";
    }

    /** A class that computes something of one input x. */
    static String code(String type, List<String> parameters, List<String> others, String result) {
        StringBuilder text = new StringBuilder("class " + type + "(Module):\n");
        text.append("  __parameters__ = [");
        parameters.forEach(name -> text.append('"').append(name).append("\", "));
        text.append("]\n  __buffers__ = []\n");
        parameters.forEach(name -> text.append("  ").append(name).append(" : Tensor\n"));
        others.forEach(line -> text.append("  ").append(line).append('\n'));
        text.append("  training : bool\n");
        text.append("  def forward(self: __torch__.").append(type).append(",\n");
        return text + "    x: Tensor) -> Tensor:\n    return " + result + "\n";
    }

    /**
     * Writes a module of one trained weight w of zeros and small numbers, (outputs, inputs).
     *
     * @param methods its methods, the lines indented by two blanks
     */
    public static Path write(Path file, int outputs, int inputs, String methods)
            throws IOException {
        float[] w = new float[outputs * inputs];
        for (int i = 0; i < w.length; i++) {
            w[i] = (i * 7919 % 101 - 50) / 1000f;
        }
        String code =
                "class Root(Module):\n  __parameters__ = [\"w\", ]\n  __buffers__ = []\n"
                        + "  w : Tensor\n  training : bool\n"
                        + methods;
        return new HandMadeModule(code)
                .record("0", w)
                .write(file, module("Root", "w", tensor("0", w.length, 0, true, outputs, inputs)));
    }

    HandMadeModule record(String key, float... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(numbers);
        records.put(key, bytes.array());
        return this;
    }

    HandMadeModule record(String key, byte[] bytes) {
        records.put(key, bytes);
        return this;
    }

    HandMadeModule deflated() {
        deflates = true;
        return this;
    }

    /** A tensor of float32, its numbers side by side. */
    static Call tensor(String key, long length, long offset, boolean trained, long... sizes) {
        long[] strides = new long[sizes.length];
        long stride = 1;
        for (int i = sizes.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= sizes[i];
        }
        return tensor("FloatStorage", key, length, offset, trained, sizes, strides);
    }

    static Call tensor(
            String type,
            String key,
            long length,
            long offset,
            boolean trained,
            long[] sizes,
            long[] strides) {
        Tuple id =
                new Tuple(
                        List.of("storage", new Global("torch", type), key, "cpu", (Object) length));
        return new Call(
                new Global("torch._utils", "_rebuild_tensor_v2"),
                new Tuple(
                        List.of(
                                new Persistent(id),
                                offset,
                                longs(sizes),
                                longs(strides),
                                trained,
                                new Call(
                                        new Global("collections", "OrderedDict"),
                                        new Tuple(List.of())))));
    }

    private static Tuple longs(long[] values) {
        return new Tuple(Arrays.stream(values).<Object>mapToObj(v -> v).toList());
    }

    /** A module: its class and its attributes, name by name. */
    static Instance module(String type, Object... attributes) {
        List<Object> entries = new ArrayList<>(Arrays.asList(attributes));
        entries.addAll(List.of("training", true));
        Instance instance = new Instance(new Global("__torch__", type));
        instance.build(new Dict(entries));
        return instance;
    }

    Path write(Path file, Instance root) throws IOException {
        try (ArchiveWriter archive = new ArchiveWriter(Files.newOutputStream(file), "hand")) {
            for (Map.Entry<String, byte[]> record : records.entrySet()) {
                archive.write("data/" + record.getKey(), record.getValue(), deflates);
            }
            archive.write("data.pkl", new PickleWriter().value(root).finish(), false);
            archive.write("code/__torch__.py", code.getBytes(StandardCharsets.UTF_8), false);
            archive.write("constants.pkl", new PickleWriter().emptyTuple().finish(), false);
            archive.write("version", "3\n".getBytes(StandardCharsets.UTF_8), false);
        }
        return file;
    }
}
