package io.flipout.djl.torchscript;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The parameters of a block as modules within modules, as PyTorch keeps them. Blocks without
 * parameters have no module: what they do is in the code of the whole.
 */
final class ModuleTree {

    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z_][A-Za-z_0-9]*");

    private static final Set<String> KEYWORDS =
            Set.of(
                    "False",
                    "None",
                    "True",
                    "and",
                    "as",
                    "assert",
                    "async",
                    "await",
                    "break",
                    "class",
                    "continue",
                    "def",
                    "del",
                    "elif",
                    "else",
                    "except",
                    "finally",
                    "for",
                    "from",
                    "global",
                    "if",
                    "import",
                    "in",
                    "is",
                    "lambda",
                    "nonlocal",
                    "not",
                    "or",
                    "pass",
                    "raise",
                    "return",
                    "try",
                    "while",
                    "with",
                    "yield");

    /** PyTorch's names of what DJL calls gamma, beta and running statistics. */
    private static final Map<Parameter.Type, String> TORCH_NAMES =
            Map.of(
                    Parameter.Type.GAMMA, "weight",
                    Parameter.Type.BETA, "bias",
                    Parameter.Type.RUNNING_MEAN, "running_mean",
                    Parameter.Type.RUNNING_VAR, "running_var");

    /** A module: its class in Java, its own tensors and its children, by name. */
    static final class Node {

        private final String type;
        private final Map<String, Parameter> tensors = new LinkedHashMap<>();
        private final Map<String, Node> children = new LinkedHashMap<>();

        Node(String type) {
            this.type = type;
        }

        String type() {
            return type;
        }

        Map<String, Parameter> tensors() {
            return tensors;
        }

        Map<String, Node> children() {
            return children;
        }

        boolean isEmpty() {
            return tensors.isEmpty() && children.isEmpty();
        }
    }

    private final Node root;
    private final Map<String, List<String>> attributesByPath = new HashMap<>();

    private ModuleTree(Block block) {
        root = node(block, "", List.of(), new HashSet<>());
    }

    /** An empty tree, to which tensors are added. */
    ModuleTree(String type) {
        root = new Node(type);
    }

    /** Adds a tensor, with the modules on its way. */
    void add(List<String> path, Parameter parameter) {
        Node node = root;
        for (String name : path.subList(0, path.size() - 1)) {
            node = node.children.computeIfAbsent(name, n -> new Node("Module"));
        }
        node.tensors.put(path.get(path.size() - 1), parameter);
        attributesByPath.put(String.join(".", path), path);
    }

    static ModuleTree of(Block block) {
        return new ModuleTree(block);
    }

    Node root() {
        return root;
    }

    /** Returns the code that reads a parameter. */
    String access(String path) {
        StringBuilder code = new StringBuilder("self");
        for (String name : attributesByPath.get(path)) {
            if (isIdentifier(name)) {
                code.append('.').append(name);
            } else {
                code.insert(0, "getattr(").append(", \"").append(name).append("\")");
            }
        }
        return code.toString();
    }

    static boolean isIdentifier(String name) {
        return IDENTIFIER.matcher(name).matches() && !KEYWORDS.contains(name);
    }

    static boolean isBuffer(Parameter parameter) {
        return parameter.getType() == Parameter.Type.RUNNING_MEAN
                || parameter.getType() == Parameter.Type.RUNNING_VAR;
    }

    private Node node(Block block, String path, List<String> attributes, Set<String> seen) {
        Node node = new Node(type(block));
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            Parameter parameter = pair.getValue();
            if (parameter.isInitialized() && seen.add(parameter.getId())) {
                String name = TORCH_NAMES.getOrDefault(parameter.getType(), pair.getKey());
                if (node.tensors.containsKey(name)) {
                    name = pair.getKey();
                }
                node.tensors.put(name, parameter);
                attributesByPath.put(path + pair.getKey(), append(attributes, name));
            }
        }
        for (Pair<String, Block> pair : block.getChildren()) {
            String name = pair.getKey();
            Node child = node(pair.getValue(), path + name + ".", append(attributes, name), seen);
            if (!child.isEmpty()) {
                node.children.put(name, child);
            }
        }
        return node;
    }

    private static List<String> append(List<String> list, String last) {
        List<String> longer = new ArrayList<>(list);
        longer.add(last);
        return longer;
    }

    private static String type(Block block) {
        String name = block.getClass().getSimpleName().replaceAll("[^A-Za-z0-9_]", "");
        return isIdentifier(name) ? name : "Block";
    }
}
