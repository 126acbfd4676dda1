package io.flipout.djl.torchscript;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The code that {@link ModuleCode} writes, read back: classes with their attributes, and one method
 * {@code forward} of statements that follow each other.
 */
final class ScriptCode {

    /** Deeper than any expression that is written. */
    private static final int DEEPEST = 200;

    private final String text;
    private int position;
    private int depth;

    private ScriptCode(String text, int position) {
        this.text = text;
        this.position = position;
    }

    /** A variable. */
    record Name(String name) {}

    /** A tensor of a module, by the attributes on the way. */
    record Attribute(List<String> path) {}

    /** A tensor among the constants. */
    record ConstantNumber(int index) {}

    /** A function and its arguments: numbers, booleans, null, lists and expressions. */
    record Invocation(String function, List<Object> arguments) {}

    /** An argument by name. */
    record Named(String name, Object value) {}

    /** One of several results. */
    record Item(Object of, int index) {}

    /** What the expression is assigned to; several names take a tuple apart. */
    record Assignment(List<String> names, Object expression) {}

    /** A size that an axis of an input must have, and the axes that the message tells of. */
    record Check(String input, int axis, long size, int rank) {}

    /** The method. */
    record Forward(
            List<String> inputs,
            List<Check> checks,
            List<Assignment> assignments,
            List<Object> results) {}

    /** The code is other than this project writes. */
    static final class Foreign extends Exception {

        private static final long serialVersionUID = 1L;

        Foreign() {
            super("code that this project does not write");
        }
    }

    /** The names of a class's tensors, in order. */
    static List<String> tensors(String text, String type) throws Foreign {
        ScriptCode code = new ScriptCode(text, body(text, type));
        List<String> names = new ArrayList<>();
        while (code.text.startsWith("  ", code.position) && !code.sees("  def ")) {
            String line = code.line();
            if (line.endsWith(" : Tensor")) {
                names.add(line.substring(2, line.length() - " : Tensor".length()));
            } else if (line.startsWith("  __annotations__[\"") && line.endsWith("\"] = Tensor")) {
                int end = line.length() - "\"] = Tensor".length();
                names.add(line.substring("  __annotations__[\"".length(), end));
            }
        }
        return names;
    }

    /** The method of a class. */
    static Forward forward(String text, String type) throws Foreign {
        ScriptCode code = new ScriptCode(text, body(text, type));
        try {
            while (!code.sees("  def forward(self: ")) {
                if (!code.sees("  ")) {
                    throw new Foreign();
                }
                code.line();
            }
            return code.forward();
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new Foreign();
        }
    }

    private static int body(String text, String type) throws Foreign {
        String head = "class " + type + "(Module):\n";
        int start = text.startsWith(head) ? 0 : text.indexOf("\n" + head) + 1;
        if (start == 0 && !text.startsWith(head)) {
            throw new Foreign();
        }
        return start + head.length();
    }

    private Forward forward() throws Foreign {
        line();
        List<String> inputs = new ArrayList<>();
        String line;
        do {
            line = line();
            int colon = line.indexOf(": Tensor");
            if (!line.startsWith("    ") || colon < 0) {
                throw new Foreign();
            }
            inputs.add(line.substring(4, colon));
        } while (line.endsWith(","));
        List<Check> checks = new ArrayList<>();
        while (sees("    if torch.ne(torch.size(")) {
            checks.add(check());
        }
        List<Assignment> assignments = new ArrayList<>();
        while (!sees("    return ")) {
            expect("    ");
            List<String> names = new ArrayList<>();
            do {
                names.add(name());
                if (at(',')) {
                    expect(", ");
                } else {
                    expect(" ");
                }
            } while (!at('='));
            expect("= ");
            assignments.add(new Assignment(names, expression()));
            expect("\n");
        }
        expect("    return ");
        List<Object> results = new ArrayList<>();
        if (at('(')) {
            position++;
            do {
                results.add(expression());
                if (at(',')) {
                    expect(", ");
                }
            } while (!at(')'));
            position++;
        } else {
            results.add(expression());
        }
        expect("\n");
        return new Forward(inputs, checks, assignments, results);
    }

    /** As {@link SizeCheck} writes it. */
    private Check check() throws Foreign {
        expect("    if torch.ne(torch.size(");
        final String input = name();
        expect(", ");
        final long axis = whole();
        expect("), ");
        final long size = whole();
        expect("):\n      ops.prim.RaiseException(\"This network takes input of shape (batch");
        int rank = 1;
        while (!at(')')) {
            expect(", ");
            if (at('a')) {
                expect("any");
            } else {
                whole();
            }
            rank++;
        }
        expect(").\")\n    else:\n      pass\n");
        return new Check(input, Math.toIntExact(axis), size, rank);
    }

    private Object expression() throws Foreign {
        if (++depth > DEEPEST) {
            throw new Foreign();
        }
        Object result = primary();
        while (at('[')) {
            position++;
            result = new Item(result, Math.toIntExact(whole()));
            expect("]");
        }
        depth--;
        return result;
    }

    private Object primary() throws Foreign {
        char c = text.charAt(position);
        if (c == '[') {
            position++;
            return list(']');
        }
        if (c == '(') {
            position++;
            Object inner = expression();
            expect(")");
            return inner;
        }
        if (c == '-' || (c >= '0' && c <= '9')) {
            return number();
        }
        int start = position;
        String name = name();
        if (name.equals("getattr") || name.equals("self")) {
            position = start;
            return new Attribute(attributes());
        }
        if (name.equals("None")) {
            return null;
        } else if (name.equals("True") || name.equals("False")) {
            return name.equals("True");
        } else if (name.equals("List")) {
            return type();
        } else if (name.equals("CONSTANTS")) {
            expect(".c");
            return new ConstantNumber(Math.toIntExact(whole()));
        }
        while (at('.')) {
            position++;
            name += "." + name();
        }
        if (name.equals("float") && sees("(\"")) {
            return special();
        }
        if (at('(')) {
            position++;
            return new Invocation(name, list(')'));
        }
        if (at('=')) {
            position++;
            return new Named(name, expression());
        }
        return new Name(name);
    }

    /** The type of a list, up to the comma. */
    private Object type() {
        int end = text.indexOf(", ", position);
        position = end < 0 ? text.length() : end;
        return null;
    }

    private Object special() throws Foreign {
        for (String name : List.of("nan", "inf", "-inf")) {
            String code = "(\"" + name + "\")";
            if (sees(code)) {
                position += code.length();
                return switch (name) {
                    case "nan" -> Double.NaN;
                    case "inf" -> Double.POSITIVE_INFINITY;
                    default -> Double.NEGATIVE_INFINITY;
                };
            }
        }
        throw new Foreign();
    }

    private List<Object> list(char end) throws Foreign {
        List<Object> elements = new ArrayList<>();
        while (!at(end)) {
            elements.add(expression());
            if (!at(end)) {
                expect(", ");
            }
        }
        position++;
        return elements;
    }

    /** {@code self.a.b}, or {@code getattr(self.a, "1").b}. */
    private List<String> attributes() throws Foreign {
        if (++depth > DEEPEST) {
            throw new Foreign();
        }
        List<String> path;
        if (sees("getattr(")) {
            expect("getattr(");
            path = attributes();
            expect(", \"");
            int end = text.indexOf('"', position);
            path.add(text.substring(position, end));
            position = end;
            expect("\")");
        } else {
            expect("self");
            path = new ArrayList<>();
        }
        while (at('.')) {
            position++;
            path.add(name());
        }
        depth--;
        return path;
    }

    private Object number() throws Foreign {
        int start = position;
        while (position < text.length() && "+-.e0123456789".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
        String digits = text.substring(start, position);
        return digits.indexOf('.') < 0 && digits.indexOf('e') < 0
                ? (Object) Long.valueOf(digits)
                : (Object) Double.valueOf(digits);
    }

    private long whole() throws Foreign {
        return number() instanceof Long whole ? whole : failed().getAsLong();
    }

    private static OptionalLong failed() throws Foreign {
        throw new Foreign();
    }

    private String name() throws Foreign {
        int start = position;
        while (position < text.length() && isLetter(text.charAt(position))) {
            position++;
        }
        if (start == position) {
            throw new Foreign();
        }
        return text.substring(start, position);
    }

    private static boolean isLetter(char c) {
        return c == '_'
                || (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9');
    }

    private boolean at(char c) {
        return text.charAt(position) == c;
    }

    private boolean sees(String start) {
        return text.startsWith(start, position);
    }

    private void expect(String code) throws Foreign {
        if (!sees(code)) {
            throw new Foreign();
        }
        position += code.length();
    }

    private String line() {
        int end = text.indexOf('\n', position);
        String line = text.substring(position, end);
        position = end + 1;
        return line;
    }
}
