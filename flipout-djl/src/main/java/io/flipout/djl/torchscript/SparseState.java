package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import io.flipout.djl.torchscript.ModuleTree.Node;
import io.flipout.tensor.Transfers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The state of a module whose weights are stored sparse: of each such weight the gaps between the
 * positions that are not 0, the values there, and the shape.
 *
 * <p>TorchScript calls {@code __setstate__} when it loads a module and {@code __getstate__} when it
 * saves one, so the weights are dense as long as the module lives.
 */
final class SparseState {

    private SparseState() {}

    /** What is stored of a sparse weight. */
    record Entries(int[] gaps, float[] values) {

        /** Reads the values that are not 0 of an array of float32. */
        static Entries of(NDArray weight) {
            float[] all = Transfers.floats(weight);
            int count = 0;
            for (float value : all) {
                count += value != 0 ? 1 : 0;
            }
            int[] gaps = new int[count];
            float[] values = new float[count];
            int found = 0;
            int last = 0;
            for (int i = 0; i < all.length; i++) {
                if (all[i] != 0) {
                    gaps[found] = i - last;
                    values[found++] = all[i];
                    last = i;
                }
            }
            return new Entries(gaps, values);
        }

        ByteBuffer gapBytes() {
            ByteBuffer bytes = ByteBuffer.allocate(4 * gaps.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asIntBuffer().put(gaps);
            return bytes;
        }

        ByteBuffer valueBytes() {
            ByteBuffer bytes =
                    ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(values);
            return bytes;
        }
    }

    /** Returns the two methods; the state is a tuple. */
    static String code(Node node, Set<String> sparse, String self) {
        String type = "Tuple[" + String.join(", ", types(node, sparse)) + "]";
        StringBuilder get = new StringBuilder();
        StringBuilder set = new StringBuilder();
        List<String> saved = new ArrayList<>();
        int field = 0;
        int number = 0;
        for (String name : node.tensors().keySet()) {
            boolean isIdentifier = ModuleTree.isIdentifier(name);
            String attribute = isIdentifier ? "self." + name : "getattr(self, \"" + name + "\")";
            if (sparse.contains(name)) {
                String w = "w" + number;
                String i = "i" + number;
                String f = "f" + number++;
                get.append("    ").append(w).append(" = torch.detach(").append(attribute);
                get.append(")\n    ").append(f).append(" = torch.reshape(").append(w);
                get.append(", [-1])\n    ").append(i).append(" = torch.reshape(torch.nonzero(");
                get.append(f).append("), [-1])\n");
                saved.add(
                        "torch.to(torch.diff("
                                + i
                                + ", 1, -1, torch.zeros([1], dtype=4, layout=None,"
                                + " device=ops.prim.device("
                                + i
                                + "), pin_memory=None)), 3, False, False)");
                saved.add("torch.index_select(" + f + ", 0, " + i + ")");
                saved.add("torch.size(" + w + ")");
                String gaps = "state[" + field++ + "]";
                String values = "state[" + field++ + "]";
                String shape = "state[" + field++ + "]";
                set.append("    ").append(w).append(" = torch.zeros(").append(shape);
                set.append(", dtype=ops.prim.dtype(").append(values).append("), layout=None,");
                set.append(" device=ops.prim.device(").append(values);
                set.append("), pin_memory=None)\n    _ = torch.scatter_(torch.view(").append(w);
                set.append(", [-1]), 0, torch.cumsum(").append(gaps).append(", 0), ");
                set.append(values).append(")\n");
                boolean trains = node.tensors().get(name).requiresGradient();
                assign(set, name, "torch.requires_grad_(" + w + ", " + (trains ? "True" : "False"));
            } else {
                saved.add(attribute);
                set.append("    self.").append(name).append(" = state[").append(field++);
                set.append("]\n");
            }
        }
        saved.add("self.training");
        set.append("    self.training = state[").append(field).append("]\n");
        return "  def __getstate__(self: "
                + self
                + ") -> "
                + type
                + ":\n"
                + get
                + "    return ("
                + String.join(", ", saved)
                + ")\n  def __setstate__(self: "
                + self
                + ",\n    state: "
                + type
                + ") -> NoneType:\n"
                + set
                + "    return None\n";
    }

    private static void assign(StringBuilder set, String name, String value) {
        set.append("    self.").append(name).append(" = ").append(value).append(")\n");
    }

    private static List<String> types(Node node, Set<String> sparse) {
        List<String> types = new ArrayList<>();
        for (String name : node.tensors().keySet()) {
            if (sparse.contains(name)) {
                types.addAll(List.of("Tensor", "Tensor", "List[int]"));
            } else {
                types.add("Tensor");
            }
        }
        types.add("bool");
        return types;
    }
}
