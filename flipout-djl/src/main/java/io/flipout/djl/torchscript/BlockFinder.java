package io.flipout.djl.torchscript;

import ai.djl.nn.Block;
import ai.djl.util.Pair;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Names the block that is at work, for messages.
 *
 * <p>The stack tells its class, and the parameter that was last asked for tells about where in the
 * network it is.
 */
final class BlockFinder {

    private BlockFinder() {}

    /** Returns path and class of the block that called, as well as can be known. */
    static String current(Block root, String lastParameter) {
        Map<String, Block> blocks = new LinkedHashMap<>();
        collect("", root, blocks);
        String type = callingType(root);
        List<String> candidates = new ArrayList<>();
        boolean passed = lastParameter.isEmpty();
        for (Map.Entry<String, Block> entry : blocks.entrySet()) {
            String path = entry.getKey();
            passed |= lastParameter.equals(join(path, lastParameter));
            if (isOrExtends(entry.getValue().getClass(), type)) {
                if (passed) {
                    return name(path, entry.getValue());
                }
                candidates.add(name(path, entry.getValue()));
            }
        }
        return candidates.isEmpty() ? name("", root) : candidates.get(candidates.size() - 1);
    }

    /** The parameter's path, if it lies directly in the block of that path. */
    private static String join(String path, String parameter) {
        int dot = parameter.lastIndexOf('.');
        return (dot < 0 ? "" : parameter.substring(0, dot)).equals(path) ? parameter : null;
    }

    private static String callingType(Block root) {
        ClassLoader loader = root.getClass().getClassLoader();
        for (StackTraceElement frame : Thread.currentThread().getStackTrace()) {
            String name = frame.getClassName();
            if (!frame.getMethodName().startsWith("forward")) {
                continue;
            }
            try {
                if (Block.class.isAssignableFrom(Class.forName(name, false, loader))) {
                    return name;
                }
            } catch (ClassNotFoundException | LinkageError e) {
                // A hidden class, such as a lambda: the block is further out.
            }
        }
        return root.getClass().getName();
    }

    private static boolean isOrExtends(Class<?> type, String name) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            if (c.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static String name(String path, Block block) {
        String type = block.getClass().getSimpleName();
        return path.isEmpty() ? type : path + " (" + type + ")";
    }

    private static void collect(String path, Block block, Map<String, Block> found) {
        found.put(path, block);
        for (Pair<String, Block> child : block.getChildren()) {
            collect(
                    path.isEmpty() ? child.getKey() : path + "." + child.getKey(),
                    child.getValue(),
                    found);
        }
    }
}
