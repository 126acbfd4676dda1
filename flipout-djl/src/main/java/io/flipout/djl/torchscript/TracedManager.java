package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Stands in for a manager: the arrays that a block makes through it become part of the trace. */
final class TracedManager implements InvocationHandler {

    private static final Set<String> QUESTIONS =
            Set.of("getDevice", "defaultDevice", "getEngine", "isOpen", "getName", "hashCode");

    private static final Set<String> OWNERSHIP =
            Set.of(
                    "close",
                    "attachInternal",
                    "attachUncappedInternal",
                    "tempAttachInternal",
                    "detachInternal",
                    "attachAll",
                    "tempAttachAll",
                    "cap",
                    "setName");

    private final Tracer tracer;
    private final NDManager real;

    TracedManager(Tracer tracer, NDManager real) {
        this.tracer = tracer;
        this.real = real;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] given) throws Throwable {
        Object[] arguments = given == null ? new Object[0] : given;
        String name = method.getName();
        if (QUESTIONS.contains(name)) {
            return TracedArray.call(method, real, arguments);
        }
        if (OWNERSHIP.contains(name)) {
            return null;
        }
        return switch (name) {
            case "newSubManager", "getParentManager" -> proxy;
            case "equals" -> arguments[0] == proxy;
            case "toString" -> "traced manager";
            case "ret" -> arguments[0];
            case "from" -> from((NDArray) arguments[0]);
            case "create", "zeros", "ones", "full", "arange" ->
                    made(name, (NDArray) TracedArray.call(method, real, arguments), arguments);
            default ->
                    throw tracer.unsupported(
                            "NDManager." + name,
                            "for which there is no translation to TorchScript.");
        };
    }

    private NDArray from(NDArray array) {
        return array == null || TracedArray.isTraced(array) ? array : tracer.adopt(array);
    }

    private NDArray made(String method, NDArray array, Object[] arguments) {
        boolean isShaped = arguments[0] instanceof Shape;
        return switch (method) {
            case "create" ->
                    isShaped ? made("zeros", zeroed(array), arguments) : tracer.constant(array);
            case "full" -> {
                double fill = ((Number) arguments[1]).doubleValue();
                yield creation("torch.full", array, List.of(arguments[0], fill));
            }
            case "arange" -> creation("torch.arange", array, bounds(arguments));
            default -> creation("torch." + method, array, List.of(arguments[0]));
        };
    }

    /** Memory that DJL leaves as it is: zeros are as good. */
    private static NDArray zeroed(NDArray array) {
        try (NDArray zero = array.zerosLike()) {
            array.set(new NDIndex("..."), zero);
        }
        return array;
    }

    private NDArray creation(String function, NDArray made, List<Object> arguments) {
        List<Object> all = new ArrayList<>(arguments);
        all.add(Expression.keyword("dtype", made.getDataType()));
        all.add(Expression.keyword("layout", null));
        all.add(
                Expression.keyword(
                        "device", Expression.of("ops.prim.device", tracer.firstInput())));
        all.add(Expression.keyword("pin_memory", null));
        return tracer.result(Expression.of(function, all.toArray()), made);
    }

    /** Start, stop and step of a range, whole numbers where they are. */
    private static List<Object> bounds(Object[] arguments) {
        List<Object> numbers =
                Arrays.stream(arguments)
                        .filter(Number.class::isInstance)
                        .map(n -> whole((Number) n))
                        .toList();
        return numbers.size() == 1
                ? List.of(0L, numbers.get(0), 1L)
                : numbers.size() == 2 ? List.of(numbers.get(0), numbers.get(1), 1L) : numbers;
    }

    private static Object whole(Number number) {
        double value = number.doubleValue();
        if (value == Math.rint(value)) {
            return (long) value;
        }
        return value;
    }
}
