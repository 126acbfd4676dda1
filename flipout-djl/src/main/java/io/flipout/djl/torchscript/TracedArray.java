package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.internal.NDArrayEx;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.Buffer;
import java.util.Arrays;
import java.util.Set;

/** Stands in for an array: computes as it does, and has the tracer write the call down. */
final class TracedArray implements InvocationHandler {

    /** What an array says of itself, and does not need to be written down. */
    private static final Set<String> QUESTIONS =
            Set.of(
                    "getName",
                    "setName",
                    "getUid",
                    "getDataType",
                    "getDevice",
                    "getShape",
                    "getSparseFormat",
                    "isSparse",
                    "isScalar",
                    "size",
                    "isEmpty",
                    "isReleased",
                    "shapeEquals",
                    "hashCode");

    /** Who owns an array does not matter here: the tracer keeps all. */
    private static final Set<String> OWNERSHIP =
            Set.of("attach", "tempAttach", "returnResource", "detach", "close", "cap", "intern");

    /** Methods whose result in Java depends on the numbers. */
    private static final Set<String> NUMBERS =
            Set.of(
                    "toByteBuffer",
                    "toDoubleArray",
                    "toFloatArray",
                    "toShortArray",
                    "toIntArray",
                    "toUnsignedShortArray",
                    "toUnsignedIntArray",
                    "toLongArray",
                    "toByteArray",
                    "toUint8Array",
                    "toBooleanArray",
                    "toArray",
                    "toStringArray",
                    "getLong",
                    "getDouble",
                    "getFloat",
                    "getInt",
                    "getByte",
                    "getUint8",
                    "getBoolean",
                    "contentEquals",
                    "allClose",
                    "encode",
                    "unique");

    private final Tracer tracer;
    private final Value value;
    private NDArray array;
    private NDArrayEx internal;

    private TracedArray(Tracer tracer, Value value) {
        this.tracer = tracer;
        this.value = value;
    }

    static NDArray of(Tracer tracer, Value value) {
        TracedArray traced = new TracedArray(tracer, value);
        ClassLoader loader = TracedArray.class.getClassLoader();
        traced.array =
                (NDArray) Proxy.newProxyInstance(loader, new Class<?>[] {NDArray.class}, traced);
        traced.internal =
                (NDArrayEx)
                        Proxy.newProxyInstance(
                                loader, new Class<?>[] {NDArrayEx.class}, traced::invokeInternal);
        return traced.array;
    }

    static boolean isTraced(NDArray array) {
        return Proxy.isProxyClass(array.getClass())
                && Proxy.getInvocationHandler(array) instanceof TracedArray;
    }

    static Value valueOf(NDArray array) {
        if (!isTraced(array)) {
            throw new IllegalArgumentException("An expression takes arrays of the trace only.");
        }
        return ((TracedArray) Proxy.getInvocationHandler(array)).value;
    }

    /** The real array behind one that may be traced. */
    static NDArray real(NDArray array) {
        return array != null && isTraced(array) ? valueOf(array).array() : array;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] given) throws Throwable {
        Object[] arguments = given == null ? new Object[0] : given;
        String name = method.getName();
        if (QUESTIONS.contains(name)) {
            return call(method, value.array(), arguments);
        }
        if (OWNERSHIP.contains(name)) {
            if (name.equals("intern")) {
                throw tracer.unsupported(name, "which has no counterpart in TorchScript.");
            }
            return null;
        }
        return switch (name) {
            case "getManager" -> tracer.tracedManager();
            case "getNDArrayInternal" -> internal;
            case "equals" -> arguments[0] == proxy;
            case "toString" -> "traced " + value.shape();
            case "hasGradient" -> false;
            case "setRequiresGradient" -> null;
            case "toDevice" -> array;
            case "set" ->
                    arguments[0] instanceof Buffer numbers
                            ? overwrite(numbers)
                            : record(proxy, method, value.array(), arguments);
            default ->
                    NUMBERS.contains(name)
                            ? numbers(method, arguments)
                            : record(proxy, method, value.array(), arguments);
        };
    }

    /** Numbers that the block brings along take the place of the array's own. */
    private Object overwrite(Buffer numbers) {
        NDArray real = value.array();
        NDArray brought = tracer.manager().create(numbers, real.getShape(), real.getDataType());
        real.set(new NDIndex("..."), brought);
        tracer.change(Expression.of("torch.copy_", array, tracer.constant(brought)));
        return null;
    }

    private Object numbers(Method method, Object[] arguments) throws Throwable {
        if (tracer.isKnown(value)) {
            return call(method, value.array(), arguments);
        }
        throw tracer.unsupported(
                method.getName(),
                "so what it does next depends on numbers that are known only when it runs, which"
                        + " a trace cannot follow.");
    }

    private Object invokeInternal(Object proxy, Method method, Object[] given) throws Throwable {
        Object[] arguments = given == null ? new Object[0] : given;
        return switch (method.getName()) {
            case "getArray" -> array;
            case "getIndexer" -> new TracedIndexer(tracer);
            case "equals" -> arguments[0] == proxy;
            case "hashCode" -> value.id();
            case "toString" -> "traced " + value.shape();
            case "multiBoxPrior" -> boxes(method, arguments);
            default -> record(proxy, method, value.array().getNDArrayInternal(), arguments);
        };
    }

    /** Anchor boxes follow from the shape alone: they are numbers of the network. */
    private NDList boxes(Method method, Object[] arguments) throws Throwable {
        NDList boxes = (NDList) call(method, value.array().getNDArrayInternal(), arguments);
        return new NDList(boxes.stream().map(tracer::constant).toList());
    }

    private Object record(Object proxy, Method method, Object target, Object[] arguments)
            throws Throwable {
        String name = method.getName();
        Operation operation = tracer.operations().find(name);
        if (operation == null || isComposed(method, target)) {
            if (method.isDefault()) {
                return InvocationHandler.invokeDefault(proxy, method, arguments);
            }
            throw tracer.unsupported(
                    name,
                    "for which there is no translation to TorchScript: register one with"
                            + " optOperation(\""
                            + name
                            + "\", ...).");
        }
        Object[] adopted = Arrays.stream(arguments).map(this::adopt).toArray();
        if (Operations.isRecurrent(name)) {
            checkWidth(real((NDArray) adopted[0]), real(((NDList) adopted[2]).get(0)));
        }
        Object result = call(method, target, atRest(name, real(adopted)));
        if (result == null) {
            tracer.change(translate(operation, name, adopted));
            return null;
        }
        if (result == value.array()) {
            // Either the array was changed, or it already was what was asked for.
            Expression change = translate(operation, name, adopted);
            if (change.isInPlace()) {
                tracer.change(change);
            }
            return array;
        }
        Expression expression = translate(operation, name, adopted);
        if (result instanceof NDArray real) {
            return tracer.result(expression, real);
        }
        NDList reals = (NDList) result;
        return reals.size() == 1 && !Operations.returnsList(name)
                ? new NDList(tracer.result(expression, reals.get(0)))
                : tracer.results(expression, reals, Operations.returnsList(name));
    }

    /** While a training is traced nothing is drawn at random and no statistics move. */
    private static Object[] atRest(String name, Object[] arguments) {
        int mode = Operations.mode(name, arguments);
        if (mode >= 0) {
            arguments[mode] = false;
        }
        return arguments;
    }

    /** PyTorch's recurrent layers on a CPU do not look, and read beyond their weights. */
    private void checkWidth(NDArray input, NDArray weight) {
        long width = input.getShape().get(input.getShape().dimension() - 1);
        long expected = weight.getShape().get(1);
        if (width != expected) {
            throw new TorchScriptException(
                    "The block "
                            + tracer.currentBlock()
                            + " takes sequences of "
                            + expected
                            + " features, not of "
                            + width
                            + ": give the shape of the network's training.");
        }
    }

    /** Whether the engine leaves a method to DJL's interface, which calls others for it. */
    private static boolean isComposed(Method method, Object target) {
        try {
            return method.isDefault()
                    && !method.getName().equals("copyTo")
                    && target.getClass()
                            .getMethod(method.getName(), method.getParameterTypes())
                            .isDefault();
        } catch (NoSuchMethodException e) {
            return true;
        }
    }

    private Expression translate(Operation operation, String name, Object[] arguments) {
        try {
            Expression translated = operation.translate(array, arguments);
            int mode = Operations.mode(name, arguments);
            return tracer.isTraining() && mode >= 0
                    ? translated.inMode((Boolean) arguments[mode])
                    : translated;
        } catch (UnsupportedOperationException e) {
            throw tracer.unsupported(name, e.getMessage());
        }
    }

    /** Replaces arrays that are not traced yet. */
    private Object adopt(Object argument) {
        if (argument instanceof NDArray other && !isTraced(other)) {
            return tracer.adopt(other);
        }
        if (argument instanceof NDList list) {
            NDList adopted = new NDList();
            list.forEach(element -> adopted.add((NDArray) adopt(element)));
            return adopted;
        }
        return argument;
    }

    private Object[] real(Object[] arguments) {
        return Arrays.stream(arguments).map(this::realArgument).toArray();
    }

    private Object realArgument(Object argument) {
        if (argument == tracer.tracedManager()) {
            return tracer.manager();
        }
        if (argument instanceof NDArray other) {
            return real(other);
        }
        if (argument instanceof NDList list) {
            NDList reals = new NDList();
            list.forEach(element -> reals.add(real(element)));
            return reals;
        }
        if (argument instanceof NDIndex) {
            throw new IllegalStateException("Indices are traced by TracedIndexer.");
        }
        return argument;
    }

    static Object call(Method method, Object target, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
