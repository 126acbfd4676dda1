package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An expression of TorchScript: a function of PyTorch and its arguments, as an {@link Operation}
 * makes it of a call in Java.
 *
 * <p>Arguments may be arrays of the trace, numbers, booleans, {@link DataType}s, {@link Shape}s,
 * lists and arrays of these, further expressions, and null for {@code None}. Write whole numbers
 * that come from a shape as they are: those that follow the size of the batch or the image become
 * {@code torch.size(...)} in the module.
 */
public final class Expression {

    private static final Code TRAINING = new Code("self.training");

    /** Whether a constant must be copied when it is read, as something in the module changes. */
    static final Code COPIES = new Code("copies");

    private final String function;
    private final List<Object> arguments;
    private final int item;

    private Expression(String function, List<Object> arguments, int item) {
        this.function = function;
        this.arguments = arguments;
        this.item = item;
    }

    /** An argument given by name. */
    record Keyword(String name, Object value) {}

    /** Code that is written as it is, such as {@code self.training}. */
    record Code(String text) {}

    /**
     * Calls a function.
     *
     * @param function its name in TorchScript, such as {@code torch.erfinv}
     * @param arguments its arguments
     * @return the call
     */
    public static Expression of(String function, Object... arguments) {
        List<Object> plain = new ArrayList<>();
        for (Object argument : arguments) {
            plain.add(plain(argument));
        }
        return new Expression(function, plain, -1);
    }

    /**
     * An argument that only goes by its name.
     *
     * @param name its name
     * @param value its value
     * @return the argument
     */
    public static Object keyword(String name, Object value) {
        return new Keyword(name, plain(value));
    }

    /**
     * Whether the module is training: what batch norm and dropout ask for.
     *
     * @return the argument {@code self.training}
     */
    public static Object training() {
        return TRAINING;
    }

    /**
     * Takes one of several results.
     *
     * @param index its position, from 0
     * @return the expression {@code this[index]}
     */
    public Expression item(int index) {
        return new Expression(function, arguments, index);
    }

    String function() {
        return function;
    }

    List<Object> arguments() {
        return arguments;
    }

    /** The position of the result that is taken; -1 for all. */
    int item() {
        return item;
    }

    /** The tensors that it works on. */
    List<Value> operands() {
        List<Value> found = new ArrayList<>();
        collect(this, found);
        return found;
    }

    private static void collect(Object argument, List<Value> found) {
        if (argument instanceof Value value) {
            found.add(value);
        } else if (argument instanceof Expression expression) {
            expression.arguments.forEach(a -> collect(a, found));
        } else if (argument instanceof Keyword keyword) {
            collect(keyword.value(), found);
        } else if (argument instanceof List<?> list) {
            list.forEach(a -> collect(a, found));
        }
    }

    Expression withArguments(List<Object> others) {
        return new Expression(function, others, item);
    }

    /** Says whether it is training in place of asking the module. */
    Expression inMode(boolean training) {
        return withArguments(
                arguments.stream()
                        .map(
                                argument ->
                                        argument == TRAINING
                                                ? training
                                                : argument instanceof Expression expression
                                                        ? expression.inMode(training)
                                                        : argument)
                        .toList());
    }

    /** Puts another argument in the place of one. */
    Expression withArgument(int position, Object argument) {
        List<Object> others = new ArrayList<>(arguments);
        others.set(position, argument);
        return withArguments(others);
    }

    /** PyTorch marks functions that write into their first argument so. */
    boolean isInPlace() {
        return function.endsWith("_") && !function.endsWith("__");
    }

    private static Object plain(Object argument) {
        if (argument instanceof NDArray array) {
            return TracedArray.valueOf(array);
        }
        if (argument instanceof Integer || argument instanceof Short || argument instanceof Byte) {
            return ((Number) argument).longValue();
        }
        if (argument instanceof Float number) {
            return number.doubleValue();
        }
        if (argument instanceof DataType type) {
            return new Code(Integer.toString(ScalarTypes.code(type)));
        }
        if (argument instanceof Shape shape) {
            return plain(shape.getShape());
        }
        if (argument instanceof long[] numbers) {
            return Arrays.stream(numbers).boxed().map(n -> (Object) n).toList();
        }
        if (argument instanceof int[] numbers) {
            return Arrays.stream(numbers).mapToObj(n -> (Object) (long) n).toList();
        }
        if (argument instanceof Iterable<?> list) {
            List<Object> plain = new ArrayList<>();
            list.forEach(element -> plain.add(plain(element)));
            return plain;
        }
        return argument;
    }
}
