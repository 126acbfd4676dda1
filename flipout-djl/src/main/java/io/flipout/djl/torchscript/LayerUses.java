package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Tuple;
import io.flipout.djl.torchscript.PythonCode.Assign;
import io.flipout.djl.torchscript.PythonCode.Call;
import io.flipout.djl.torchscript.PythonCode.Choice;
import io.flipout.djl.torchscript.PythonCode.Expression;
import io.flipout.djl.torchscript.PythonCode.For;
import io.flipout.djl.torchscript.PythonCode.Function;
import io.flipout.djl.torchscript.PythonCode.If;
import io.flipout.djl.torchscript.PythonCode.Index;
import io.flipout.djl.torchscript.PythonCode.Items;
import io.flipout.djl.torchscript.PythonCode.Literal;
import io.flipout.djl.torchscript.PythonCode.Member;
import io.flipout.djl.torchscript.PythonCode.Name;
import io.flipout.djl.torchscript.PythonCode.Return;
import io.flipout.djl.torchscript.PythonCode.Statement;
import io.flipout.djl.torchscript.ShapeRules.Tensor;
import io.flipout.djl.torchscript.ShapeRules.Unknown;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Counts how often each weight of a module is multiplied in a forward pass of one sample, in
 * evaluation mode. The module's code is followed with shapes in the place of arrays, so that
 * nothing is computed.
 */
final class LayerUses {

    /** More than any network takes; what does not end is given up. */
    private static final int MOST_STEPS = 1 << 20;

    private static final int DEEPEST = 1000;

    private final Source source;
    private final PythonCode code;
    private final Map<String, long[]> shapes;
    private final Map<String, String> firstNames;
    private final ShapeRules rules = new ShapeRules();
    private int steps;
    private int depth;

    /**
     * A module as its file has it.
     *
     * @param root the module
     * @param records its code, by the names of the records
     * @param constants what stands beside the code, as {@link PickleReader} reads it
     */
    record Source(Instance root, Map<String, String> records, Object constants) {}

    /** A module that is reached by a path, which ends in a dot if it is not empty. */
    private record Module(Instance instance, String path) {}

    /** The name of a function, or its beginning. */
    private record Reference(String name) {}

    /** What a function ended with. */
    private record Result(Object value) {}

    private LayerUses(Source source, Map<String, long[]> shapes, Map<String, String> firstNames) {
        this.source = source;
        this.shapes = shapes;
        this.firstNames = firstNames;
        code = new PythonCode(source.records());
    }

    /**
     * Counts.
     *
     * @param source the module
     * @param shapes the shapes of its parameters, by their first names
     * @param firstNames by each name of a tensor the first that it has
     * @param inputs the shapes of its inputs, of one sample
     * @return by the name of each parameter that is used, how often; below 0 where that is not
     *     known; empty if the code does what is not known
     */
    static Optional<Map<String, Long>> count(
            Source source,
            Map<String, long[]> shapes,
            Map<String, String> firstNames,
            List<long[]> inputs) {
        try {
            LayerUses uses = new LayerUses(source, shapes, firstNames);
            List<Object> arguments = new ArrayList<>();
            inputs.forEach(shape -> arguments.add(new Tensor(shape, null)));
            uses.method(new Module(source.root(), ""), "forward", arguments, Map.of());
            return Optional.of(uses.rules.uses());
        } catch (Unknown e) {
            return Optional.empty();
        } catch (ClassCastException
                | IndexOutOfBoundsException
                | ArithmeticException
                | IllegalArgumentException
                | NullPointerException
                | UnsupportedOperationException e) {
            return Optional.empty(); // A function in a form that the rules do not have.
        }
    }

    private Object method(
            Module module, String name, List<Object> arguments, Map<String, Object> named)
            throws Unknown {
        List<Object> all = new ArrayList<>();
        all.add(module);
        all.addAll(arguments);
        return function(module.instance().type().qualifiedName() + "." + name, all, named);
    }

    private Object function(String name, List<Object> arguments, Map<String, Object> named)
            throws Unknown {
        Function function = code.function(name);
        if (function == null || arguments.size() > function.parameters().size()) {
            throw new Unknown("calls " + name);
        }
        Map<String, Object> variables = new HashMap<>();
        Iterator<Object> given = arguments.iterator();
        for (Map.Entry<String, Expression> parameter : function.parameters().entrySet()) {
            String key = parameter.getKey();
            if (given.hasNext()) {
                variables.put(key, given.next());
            } else if (named.containsKey(key)) {
                variables.put(key, named.get(key));
            } else if (parameter.getValue() != null) {
                variables.put(key, value(parameter.getValue(), Map.of()));
            } else {
                throw new Unknown("calls " + name + " without " + key);
            }
        }
        Result result = run(function.body(), variables);
        return result == null ? null : result.value();
    }

    /** Runs statements; what they return, or null if they go on. */
    private Result run(List<Statement> statements, Map<String, Object> variables) throws Unknown {
        for (Statement statement : statements) {
            if (++steps > MOST_STEPS) {
                throw new Unknown("does not end");
            }
            Result result = null;
            if (statement instanceof Return end) {
                return new Result(value(end.value(), variables));
            } else if (statement instanceof Assign assign) {
                assign(assign, value(assign.value(), variables), variables);
            } else if (statement instanceof If choice) {
                boolean holds = truth(choice.condition(), variables);
                result = run(holds ? choice.then() : choice.otherwise(), variables);
            } else if (statement instanceof For loop) {
                for (Object item : (List<?>) value(loop.over(), variables)) {
                    variables.put(loop.variable(), item);
                    result = result == null ? run(loop.body(), variables) : result;
                }
            }
            if (result != null) {
                return result;
            }
        }
        return null;
    }

    private static void assign(Assign assign, Object value, Map<String, Object> variables) {
        List<String> names = assign.names();
        if (names.size() == 1) {
            variables.put(names.get(0), value);
        } else if (names.size() > 1) {
            List<?> parts = (List<?>) value;
            for (int i = 0; i < names.size(); i++) {
                variables.put(names.get(i), parts.get(i));
            }
        }
    }

    private boolean truth(Expression condition, Map<String, Object> variables) throws Unknown {
        Object value = value(condition, variables);
        if (value instanceof Boolean truth) {
            return truth;
        }
        throw new Unknown("decides by what it computes");
    }

    private Object value(Expression expression, Map<String, Object> variables) throws Unknown {
        if (++depth > DEEPEST) {
            throw new Unknown("calls itself");
        }
        Object value = found(expression, variables);
        depth--;
        return value;
    }

    private Object found(Expression expression, Map<String, Object> variables) throws Unknown {
        if (expression instanceof Literal literal) {
            return literal.value();
        } else if (expression instanceof Name name) {
            return variables.containsKey(name.name())
                    ? variables.get(name.name())
                    : new Reference(name.name());
        } else if (expression instanceof Member member) {
            return member(value(member.of(), variables), member.name());
        } else if (expression instanceof Items items) {
            return values(items.items(), variables);
        } else if (expression instanceof Choice choice) {
            boolean holds = truth(choice.condition(), variables);
            return value(holds ? choice.then() : choice.otherwise(), variables);
        } else if (expression instanceof Index index) {
            List<?> of = (List<?>) value(index.of(), variables);
            int at = ((Long) value(index.index().get(0), variables)).intValue();
            return of.get(at < 0 ? at + of.size() : at);
        }
        return call((Call) expression, variables);
    }

    private List<Object> values(List<Expression> items, Map<String, Object> variables)
            throws Unknown {
        List<Object> values = new ArrayList<>();
        for (Expression item : items) {
            values.add(value(item, variables));
        }
        return values;
    }

    private Object call(Call call, Map<String, Object> variables) throws Unknown {
        boolean isTyped =
                call.function() instanceof Name name
                        && (name.name().equals("annotate") || name.name().equals("unchecked_cast"));
        if (isTyped) { // A type and a value.
            return value(call.arguments().get(1), variables);
        }
        List<Object> arguments = values(call.arguments(), variables);
        Map<String, Object> named = new HashMap<>();
        for (Map.Entry<String, Expression> entry : call.named().entrySet()) {
            named.put(entry.getKey(), value(entry.getValue(), variables));
        }
        if (call.function() instanceof Member member
                && value(member.of(), variables) instanceof Module module) {
            return method(module, member.name(), arguments, named);
        }
        String name = ((Reference) value(call.function(), variables)).name();
        if (name.startsWith("__torch__.")) {
            return function(name, arguments, named);
        } else if (name.equals("getattr")) {
            return member(arguments.get(0), (String) arguments.get(1));
        } else if (name.equals("range")) {
            return range(arguments);
        } else if (name.equals("uninitialized")) {
            return null;
        }
        return rules.call(name, arguments, named);
    }

    private static List<Object> range(List<Object> bounds) throws Unknown {
        long from = bounds.size() > 1 ? (Long) bounds.get(0) : 0;
        long to = (Long) bounds.get(bounds.size() > 1 ? 1 : 0);
        if (bounds.size() > 2 || to - from > MOST_STEPS) {
            throw new Unknown("does not end");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = from; i < to; i++) {
            numbers.add(i);
        }
        return numbers;
    }

    private Object member(Object of, String name) throws Unknown {
        if (of instanceof Reference reference) {
            if (reference.name().equals("CONSTANTS")) {
                return constant(Integer.parseInt(name.substring(1)));
            }
            return new Reference(reference.name() + "." + name);
        } else if (!(of instanceof Module)) {
            throw new Unknown("asks for " + name);
        }
        Module module = (Module) of;
        if (name.equals("training")) {
            return false;
        }
        if (module.instance().state() instanceof Dict attributes) {
            List<Object> entries = attributes.entries();
            for (int i = 0; i < entries.size(); i += 2) {
                if (name.equals(entries.get(i))) {
                    return attribute(module, name, entries.get(i + 1));
                }
            }
            throw new Unknown("asks for " + name);
        }
        return parameter(module.path() + name); // It rebuilds its state by code of its own.
    }

    private Object attribute(Module module, String name, Object value) throws Unknown {
        if (value instanceof Instance child) {
            return new Module(child, module.path() + name + ".");
        } else if (value instanceof Pickle.Call) {
            Tensor tensor = parameter(module.path() + name);
            return tensor.shape() == null
                    ? new Tensor(sizes(StoredTensor.of(value)), null)
                    : tensor;
        } else if (value instanceof Tuple tuple) {
            return tuple.items();
        } else if (value instanceof Dict) {
            throw new Unknown("asks for " + name);
        }
        return value;
    }

    private Tensor constant(int index) throws Unknown {
        Object constant = ((Tuple) source.constants()).items().get(index);
        return new Tensor(sizes(StoredTensor.of(constant)), null);
    }

    private static long[] sizes(Optional<StoredTensor> tensor) throws Unknown {
        return tensor
                .orElseThrow(() -> new Unknown("has a tensor of another kind"))
                .sizes()
                .stream()
                .mapToLong(Long::longValue)
                .toArray();
    }

    /** A parameter, whose shape the network tells. */
    private Tensor parameter(String name) {
        String first = firstNames.getOrDefault(name, name);
        return new Tensor(shapes.get(first), first);
    }
}
