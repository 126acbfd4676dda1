package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.ShapeRules.Tensor;
import io.flipout.djl.torchscript.ShapeRules.Unknown;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** What PyTorch's functions make of numbers, truths, texts and lists, such as those of sizes. */
final class ScalarRules {

    /** Functions that do not compute with arrays, whether they are given some or not. */
    static final Set<String> TAKING_ANYTHING =
            Set.of("__is__", "__isnot__", "len", "append", "list", "format", "warn");

    private ScalarRules() {}

    static Object call(String name, List<Object> a) throws Unknown {
        return switch (name) {
            case "__is__" -> a.get(0) == a.get(1);
            case "__isnot__" -> a.get(0) != a.get(1);
            case "__not__" -> !(Boolean) a.get(0);
            case "__and__" -> (Boolean) a.get(0) && (Boolean) a.get(1);
            case "__or__" -> (Boolean) a.get(0) || (Boolean) a.get(1);
            case "__contains__" -> ((List<?>) a.get(0)).contains(a.get(1));
            case "len" -> (long) ((List<?>) a.get(0)).size();
            case "append" -> appended(a);
            case "list" -> new ArrayList<>((List<?>) a.get(0));
            case "format", "warn" -> "";
            case "zeros", "ones", "full", "empty", "rand", "randn" -> array(a);
            case "eq" -> isEqual(a);
            case "ne" -> !isEqual(a);
            case "lt" -> number(a, 0) < number(a, 1);
            case "le" -> number(a, 0) <= number(a, 1);
            case "gt" -> number(a, 0) > number(a, 1);
            case "ge" -> number(a, 0) >= number(a, 1);
            case "neg" ->
                    a.get(0) instanceof Long whole
                            ? (Object) Math.negateExact(whole)
                            : -number(a, 0);
            default -> computed(name, a);
        };
    }

    private static Object computed(String name, List<Object> a) throws Unknown {
        if (a.size() < 2 || !(a.get(0) instanceof Long x) || !(a.get(1) instanceof Long y)) {
            throw new Unknown("calls torch." + name);
        }
        return switch (name) {
            case "add" -> Math.addExact(x, y);
            case "sub" -> Math.subtractExact(x, y);
            case "mul" -> Math.multiplyExact(x, y);
            case "floordiv", "floor_divide" -> Math.floorDiv(x, y);
            case "remainder" -> Math.floorMod(x, y);
            case "div" -> x.doubleValue() / y;
            default -> throw new Unknown("calls torch." + name);
        };
    }

    private static boolean isEqual(List<Object> a) {
        boolean areNumbers = a.get(0) instanceof Number && a.get(1) instanceof Number;
        return areNumbers ? number(a, 0) == number(a, 1) : Objects.equals(a.get(0), a.get(1));
    }

    private static double number(List<Object> a, int index) {
        return ((Number) a.get(index)).doubleValue();
    }

    @SuppressWarnings("unchecked") // A list of anything.
    private static Object appended(List<Object> a) {
        ((List<Object>) a.get(0)).add(a.get(1));
        return a.get(0);
    }

    private static Tensor array(List<Object> a) {
        List<?> sizes = (List<?>) a.get(0);
        return new Tensor(sizes.stream().mapToLong(size -> (Long) size).toArray(), null);
    }
}
