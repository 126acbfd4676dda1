package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Turns traces of one block, taken with inputs of different sizes, into one that fits all sizes.
 *
 * <p>The traces must be the same step by step. A whole number that differs between them is written
 * as the size of a tensor along an axis, a product of such sizes, or a multiple or fraction of one:
 * first of the tensors that the step works on, then of the inputs.
 */
final class SizeSolver {

    private final List<Trace> traces;

    /** The traces cannot be brought to one. */
    static final class Unsolvable extends Exception {

        private static final long serialVersionUID = 1L;

        Unsolvable(String message) {
            super(message);
        }
    }

    private SizeSolver(List<Trace> traces) {
        this.traces = traces;
    }

    /**
     * Merges traces.
     *
     * @param traces at least one
     * @return the first trace with sizes in place of the numbers that differ
     * @throws Unsolvable if a step differs in more than numbers that follow the sizes
     */
    static Trace merge(List<Trace> traces) throws Unsolvable {
        return new SizeSolver(traces).merge();
    }

    private Trace merge() throws Unsolvable {
        Trace first = traces.get(0);
        for (Trace other : traces) {
            if (other.statements().size() != first.statements().size()
                    || other.values().size() != first.values().size()
                    || !ids(other.outputs()).equals(ids(first.outputs()))) {
                throw new Unsolvable("the block takes other steps");
            }
        }
        for (Value value : first.values()) {
            if (value.kind() == Value.Kind.CONSTANT) {
                checkConstant(value);
            }
        }
        List<Statement> merged = new ArrayList<>();
        for (int i = 0; i < first.statements().size(); i++) {
            Statement statement = first.statements().get(i);
            List<Object> versions = new ArrayList<>();
            for (Trace trace : traces) {
                versions.add(trace.statements().get(i).expression());
            }
            List<Integer> operands = ids(statement.expression().operands());
            Expression expression = (Expression) merge(versions, operands);
            merged.add(new Statement(expression, statement.results(), statement.isList()));
        }
        return new Trace(first.inputs(), merged, first.outputs(), first.values());
    }

    private static List<Integer> ids(List<Value> values) {
        return values.stream().map(Value::id).toList();
    }

    private void checkConstant(Value constant) throws Unsolvable {
        for (Trace trace : traces.subList(1, traces.size())) {
            NDArray other = trace.values().get(constant.id()).array();
            if (!other.contentEquals(constant.array())) {
                throw new Unsolvable("numbers that the block makes differ");
            }
        }
    }

    /** Merges one argument of a step; {@code versions} holds it as each trace has it. */
    private Object merge(List<Object> versions, List<Integer> operands) throws Unsolvable {
        Object first = versions.get(0);
        if (first instanceof Expression expression) {
            List<Object> merged = new ArrayList<>();
            for (int i = 0; i < expression.arguments().size(); i++) {
                merged.add(merge(arguments(versions, expression, i), operands));
            }
            return expression.withArguments(merged);
        }
        if (first instanceof Expression.Keyword keyword) {
            List<Object> values = new ArrayList<>();
            versions.forEach(v -> values.add(((Expression.Keyword) v).value()));
            return new Expression.Keyword(keyword.name(), merge(values, operands));
        }
        if (first instanceof List<?> list) {
            List<Object> merged = new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                List<Object> elements = new ArrayList<>();
                for (Object version : versions) {
                    if (!(version instanceof List<?> other) || other.size() != list.size()) {
                        throw new Unsolvable("a list has another length");
                    }
                    elements.add(other.get(i));
                }
                merged.add(merge(elements, operands));
            }
            return merged;
        }
        if (first instanceof Value value) {
            for (Object version : versions) {
                if (!(version instanceof Value other) || other.id() != value.id()) {
                    throw new Unsolvable("the block takes other steps");
                }
            }
            return first;
        }
        if (versions.stream().allMatch(v -> Objects.equals(v, first))) {
            return first;
        }
        if (!versions.stream().allMatch(Long.class::isInstance)) {
            throw new Unsolvable("a number that is no size differs");
        }
        return size(versions.stream().mapToLong(Long.class::cast).toArray(), operands);
    }

    private static List<Object> arguments(List<Object> versions, Expression like, int position)
            throws Unsolvable {
        List<Object> arguments = new ArrayList<>();
        for (Object version : versions) {
            if (!(version instanceof Expression other)
                    || !other.function().equals(like.function())
                    || other.item() != like.item()
                    || other.arguments().size() != like.arguments().size()) {
                throw new Unsolvable("the block takes other steps");
            }
            arguments.add(other.arguments().get(position));
        }
        return arguments;
    }

    private Expression size(long[] observed, List<Integer> operands) throws Unsolvable {
        Set<Integer> tried = new HashSet<>();
        List<Integer> candidates = new ArrayList<>(operands);
        candidates.addAll(ids(traces.get(0).inputs()));
        for (boolean scaled : new boolean[] {false, true}) {
            tried.clear();
            for (int id : candidates) {
                if (tried.add(id)) {
                    Expression size = sizeOf(id, observed, scaled);
                    if (size != null) {
                        return size;
                    }
                }
            }
        }
        throw new Unsolvable("a number follows the size of the input in a way that is not seen");
    }

    /** Returns what of one tensor's sizes explains a number; null if nothing does. */
    private Expression sizeOf(int id, long[] observed, boolean scaled) {
        Value value = traces.get(0).values().get(id);
        int rank = value.shape().dimension();
        for (int axes = 1; axes <= rank; axes++) {
            for (int subset = 1; subset < 1 << rank; subset++) {
                if (Integer.bitCount(subset) == axes) {
                    long[] products = new long[observed.length];
                    for (int t = 0; t < products.length; t++) {
                        products[t] = product(traces.get(t).values().get(id), subset);
                    }
                    if (Arrays.equals(observed, products)) {
                        return product(value, subset, rank);
                    }
                    OptionalLong multiple = quotient(observed, products);
                    if (scaled && multiple.isPresent()) {
                        Expression size = product(value, subset, rank);
                        return Expression.of("torch.mul", size, multiple.getAsLong());
                    }
                    OptionalLong part = quotient(products, observed);
                    if (scaled && part.isPresent()) {
                        Expression size = product(value, subset, rank);
                        return Expression.of("torch.floordiv", size, part.getAsLong());
                    }
                }
            }
        }
        return null;
    }

    /** The whole number that every numerator is of its denominator. */
    private static OptionalLong quotient(long[] numerators, long[] denominators) {
        for (int t = 0; t < numerators.length; t++) {
            if (denominators[t] == 0
                    || numerators[t] % denominators[t] != 0
                    || numerators[t] / denominators[t] != numerators[0] / denominators[0]) {
                return OptionalLong.empty();
            }
        }
        return OptionalLong.of(numerators[0] / denominators[0]);
    }

    private static long product(Value value, int subset) {
        long product = 1;
        for (int axis = 0; axis < value.shape().dimension(); axis++) {
            if ((subset >> axis & 1) == 1) {
                product *= value.shape().get(axis);
            }
        }
        return product;
    }

    private static Expression product(Value value, int subset, int rank) {
        Expression product = null;
        for (int axis = 0; axis < rank; axis++) {
            if ((subset >> axis & 1) == 1) {
                Expression size = Expression.of("torch.size", value, axis);
                product = product == null ? size : Expression.of("torch.mul", product, size);
            }
        }
        return product;
    }
}
