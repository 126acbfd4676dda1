package io.flipout.djl.torchscript;

import ai.djl.nn.Parameter;
import io.flipout.djl.torchscript.ModuleTree.Node;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Writes the code of a module and its children: one class for each different body. */
final class ModuleCode {

    static final String PACKAGE = "__torch__.flipout";

    /** Stands for the class's own name until it has one. */
    private static final String SELF = "@SELF@";

    private final ModuleTree tree;
    private final Map<Node, String> classes = new HashMap<>();
    private final Map<String, String> namesByBody = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>();
    private final Map<Node, Set<String>> sparse;
    private final StringBuilder code = new StringBuilder();
    private final Set<String> functions = new TreeSet<>();

    /** The tensors that the code takes for constants, in the order of their names. */
    private final Map<Integer, Value> constants = new LinkedHashMap<>();

    private final Map<Integer, String> variables = new HashMap<>();
    private final boolean changesInPlace;

    /**
     * Writes the code.
     *
     * @param tree the parameters
     * @param trace what the module computes
     * @param checks sizes that inputs must have
     * @param sparse which tensors of which modules are stored sparse
     */
    ModuleCode(
            ModuleTree tree, Trace trace, List<SizeCheck> checks, Map<Node, Set<String>> sparse) {
        this.tree = tree;
        this.sparse = sparse;
        changesInPlace = trace.statements().stream().anyMatch(s -> s.expression().isInPlace());
        for (Node child : tree.root().children().values()) {
            define(child);
        }
        define(tree.root(), forward(trace, checks));
    }

    String text() {
        String shared = functions.contains(SparseProduct.FUNCTION) ? SparseProduct.CODE : "";
        return shared + code;
    }

    String className(Node node) {
        return classes.get(node);
    }

    List<Value> constants() {
        return List.copyOf(constants.values());
    }

    /** The least version of the format that knows the code's functions as they are meant. */
    int version() {
        return Operations.version(functions);
    }

    /** The tensors of a module that are stored sparse. */
    Set<String> sparse(Node node) {
        return sparse.getOrDefault(node, Set.of());
    }

    private void define(Node node) {
        node.children().values().forEach(this::define);
        define(node, "");
    }

    private void define(Node node, String forward) {
        String state = sparse(node).isEmpty() ? "" : SparseState.code(node, sparse(node), SELF);
        String body = attributes(node) + forward + state;
        String key = node.type() + "\n" + body;
        boolean isNew = !namesByBody.containsKey(key);
        String name = namesByBody.computeIfAbsent(key, k -> freeName(node.type()));
        classes.put(node, name);
        if (isNew) {
            code.append("class ").append(name).append("(Module):\n");
            code.append(body.replace(SELF, PACKAGE + "." + name));
        }
    }

    private String freeName(String type) {
        String name = type;
        for (int i = 1; !names.add(name); i++) {
            name = type + "_" + i;
        }
        return name;
    }

    private String attributes(Node node) {
        StringBuilder text = new StringBuilder();
        text.append("  __parameters__ = [");
        node.tensors().forEach((name, p) -> listName(text, name, p, false));
        text.append("]\n  __buffers__ = [");
        node.tensors().forEach((name, p) -> listName(text, name, p, true));
        text.append("]\n");
        node.tensors().keySet().forEach(name -> annotate(text, name, "Tensor"));
        text.append("  training : bool\n");
        node.children()
                .forEach((name, child) -> annotate(text, name, PACKAGE + "." + classes.get(child)));
        return text.toString();
    }

    private static void listName(
            StringBuilder text, String name, Parameter parameter, boolean buffer) {
        if (ModuleTree.isBuffer(parameter) == buffer) {
            text.append('"').append(name).append("\", ");
        }
    }

    private static void annotate(StringBuilder text, String name, String type) {
        if (ModuleTree.isIdentifier(name)) {
            text.append("  ").append(name).append(" : ").append(type).append('\n');
        } else {
            text.append("  __annotations__[\"").append(name).append("\"] = ");
            text.append(type).append('\n');
        }
    }

    private String forward(Trace trace, List<SizeCheck> checks) {
        StringBuilder text = new StringBuilder("  def forward(self: " + SELF);
        List<Value> inputs = trace.inputs();
        for (int i = 0; i < inputs.size(); i++) {
            String name = inputs.size() == 1 ? "x" : "x" + i;
            variables.put(inputs.get(i).id(), name);
            text.append(",\n    ").append(name).append(": Tensor");
        }
        List<Value> outputs = trace.outputs();
        text.append(") -> ");
        text.append(
                outputs.size() == 1
                        ? "Tensor"
                        : "Tuple["
                                + String.join(", ", outputs.stream().map(o -> "Tensor").toList())
                                + "]");
        text.append(":\n");
        checks.forEach(check -> text.append(check.code(variables)));
        for (Statement statement : trace.statements()) {
            write(text, statement);
        }
        String results = String.join(", ", outputs.stream().map(this::code).toList());
        text.append("    return ");
        text.append(outputs.size() == 1 ? results : "(" + results + ")").append('\n');
        return text.toString();
    }

    private void write(StringBuilder text, Statement statement) {
        String expression = code(statement.expression());
        List<Value> results = statement.results();
        text.append("    ");
        if (results.isEmpty()) {
            text.append("_ = ").append(expression).append('\n');
        } else if (results.size() == 1 && !statement.isList()) {
            text.append(variable(results.get(0))).append(" = ").append(expression).append('\n');
        } else if (statement.isList()) {
            String list = "l" + results.get(0).id();
            text.append(list).append(" = ").append(expression).append('\n');
            for (int i = 0; i < results.size(); i++) {
                text.append("    ").append(variable(results.get(i)));
                text.append(" = ").append(list).append('[').append(i).append("]\n");
            }
        } else {
            results.forEach(result -> text.append(variable(result)).append(", "));
            text.append("= ").append(expression).append('\n');
        }
    }

    private String variable(Value value) {
        return variables.computeIfAbsent(value.id(), id -> "v" + id);
    }

    private String code(Object argument) {
        if (argument == null) {
            return "None";
        }
        if (argument instanceof Value value) {
            return switch (value.kind()) {
                case PARAMETER -> tree.access(value.name());
                case CONSTANT -> constant(value);
                default -> variable(value);
            };
        }
        if (argument instanceof Expression expression) {
            functions.add(expression.function());
            String call =
                    expression.function()
                            + "("
                            + String.join(
                                    ", ", expression.arguments().stream().map(this::code).toList())
                            + ")";
            return expression.item() < 0 ? call : "(" + call + ")[" + expression.item() + "]";
        }
        if (argument instanceof Expression.Keyword keyword) {
            return keyword.name() + "=" + code(keyword.value());
        }
        if (argument == Expression.COPIES) {
            return changesInPlace ? "True" : "False";
        }
        if (argument instanceof Expression.Code verbatim) {
            return verbatim.text();
        }
        if (argument instanceof List<?> list) {
            return "[" + String.join(", ", list.stream().map(this::code).toList()) + "]";
        }
        if (argument instanceof Boolean truth) {
            return truth ? "True" : "False";
        }
        if (argument instanceof Double number) {
            return number(number);
        }
        return argument.toString();
    }

    /** Java writes 1.0E-5 where Python writes 1.0e-5, and infinities have no literal. */
    private static String number(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            String name = Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
            return "float(\"" + name + "\")";
        }
        return Double.toString(number).replace('E', 'e');
    }

    private String constant(Value value) {
        constants.put(value.id(), value);
        return "CONSTANTS.c" + List.copyOf(constants.keySet()).indexOf(value.id());
    }
}
