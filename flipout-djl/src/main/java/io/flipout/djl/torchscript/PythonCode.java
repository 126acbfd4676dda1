package io.flipout.djl.torchscript;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The part of Python that PyTorch writes a module's code in: classes with methods, and functions.
 * What it cannot read it refuses; nothing is run.
 */
final class PythonCode {

    /** Deeper than any expression or block that is written. */
    private static final int DEEPEST = 200;

    private static final String MODULE = "__torch__";

    /** An expression. */
    sealed interface Expression {}

    /** A number, a text, a truth or None. */
    record Literal(Object value) implements Expression {}

    /** A variable, or the beginning of a qualified name. */
    record Name(String name) implements Expression {}

    /** What is reached by a name: {@code of.name}. */
    record Member(Expression of, String name) implements Expression {}

    /** {@code of[index]}; a type with its parameters reads so too. */
    record Index(Expression of, List<Expression> index) implements Expression {}

    /** A call. */
    record Call(Expression function, List<Expression> arguments, Map<String, Expression> named)
            implements Expression {}

    /** A list or a tuple. */
    record Items(List<Expression> items) implements Expression {}

    /** {@code then if condition else otherwise}. */
    record Choice(Expression condition, Expression then, Expression otherwise)
            implements Expression {}

    /** A statement. */
    sealed interface Statement {}

    /** Names that are given a value, or the parts of one; none for what is computed and left. */
    record Assign(List<String> names, Expression value) implements Statement {}

    /** A condition and what follows from it. */
    record If(Expression condition, List<Statement> then, List<Statement> otherwise)
            implements Statement {}

    /** A loop over numbers or a list. */
    record For(String variable, Expression over, List<Statement> body) implements Statement {}

    /** The end of a function. */
    record Return(Expression value) implements Statement {}

    /** A function or method; the default of a parameter is null where it has none. */
    record Function(Map<String, Expression> parameters, List<Statement> body) {}

    /** The code is other than PyTorch writes, or than is read here. */
    private static final class Foreign extends Exception {

        private static final long serialVersionUID = 1L;

        Foreign(String what) {
            super(what);
        }
    }

    private record Line(int indent, String text) {}

    private final Map<String, Function> functions = new HashMap<>();

    /**
     * Reads code.
     *
     * @param records the text of each record of code by its name, such as {@code
     *     code/__torch__/torch/nn/functional.py}
     */
    PythonCode(Map<String, String> records) {
        for (Map.Entry<String, String> entry : records.entrySet()) {
            String name = entry.getKey();
            String module =
                    name.substring(name.indexOf('/') + 1, name.length() - ".py".length())
                            .replace('/', '.');
            if (module.equals(MODULE) || module.startsWith(MODULE + ".")) {
                new Reader(lines(entry.getValue())).module(module + ".");
            }
        }
    }

    /**
     * Returns a function, or a method by the qualified name of its class.
     *
     * @return the function; null if there is none, or it has code that is not known
     */
    Function function(String qualifiedName) {
        return functions.get(qualifiedName);
    }

    /** Joins what stands in brackets to one line. */
    private static List<Line> lines(String text) {
        List<Line> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        int depth = 0;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote != 0) {
                line.append(c);
                if (c == '\\') {
                    line.append(text.charAt(++i));
                } else if (c == quote) {
                    quote = 0;
                }
                continue;
            }
            if (c == '#') {
                i = text.indexOf('\n', i) - 1;
                if (i < 0) {
                    break;
                }
                continue;
            }
            if (c == '\n' && depth == 0) {
                add(lines, line);
            } else {
                quote = c == '"' || c == '\'' ? c : 0;
                depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
                line.append(c == '\n' ? ' ' : c);
            }
        }
        add(lines, line);
        return lines;
    }

    private static void add(List<Line> lines, StringBuilder line) {
        String text = line.toString();
        line.setLength(0);
        if (!text.isBlank()) {
            lines.add(new Line(text.length() - text.stripLeading().length(), text.strip()));
        }
    }

    private final class Reader {

        private final List<Line> lines;
        private int next;

        private Reader(List<Line> lines) {
            this.lines = lines;
        }

        private boolean isWithin(int indent) {
            return next < lines.size() && lines.get(next).indent() > indent;
        }

        private void module(String prefix) {
            while (next < lines.size()) {
                String text = lines.get(next).text();
                if (text.startsWith("def ")) {
                    function(prefix);
                } else if (text.startsWith("class ")) {
                    int end = text.indexOf('(');
                    String name =
                            prefix + text.substring("class ".length(), Math.max(6, end)) + ".";
                    next++;
                    while (isWithin(0)) {
                        if (lines.get(next).text().startsWith("def ")) {
                            function(name);
                        } else {
                            next++; // Names and types of attributes.
                        }
                    }
                } else {
                    next++; // Such as op_version_set = 1.
                }
            }
        }

        private void function(String prefix) {
            Line line = lines.get(next++);
            try {
                Text head = new Text(line.text().substring("def ".length()));
                String name = head.name();
                functions.put(
                        prefix + name, new Function(parameters(head), block(line.indent(), 0)));
            } catch (Foreign | IndexOutOfBoundsException | NumberFormatException e) {
                // One that cannot be called.
                while (isWithin(line.indent())) {
                    next++;
                }
            }
        }

        private static Map<String, Expression> parameters(Text head) throws Foreign {
            Map<String, Expression> parameters = new LinkedHashMap<>();
            head.expect("(");
            while (!head.takes(")")) {
                String parameter = head.name();
                if (head.takes(":")) {
                    head.expression();
                }
                parameters.put(parameter, head.takes("=") ? head.expression() : null);
                head.takes(",");
            }
            return parameters;
        }

        private List<Statement> block(int indent, int depth) throws Foreign {
            if (depth > DEEPEST) {
                throw new Foreign("code that is nested too deep");
            }
            List<Statement> statements = new ArrayList<>();
            while (isWithin(indent)) {
                Line line = lines.get(next++);
                statement(line, depth, statements);
            }
            return statements;
        }

        private void statement(Line line, int depth, List<Statement> statements) throws Foreign {
            String text = line.text();
            if (text.equals("pass")) {
                return;
            }
            Text code = new Text(text);
            if (text.startsWith("return ")) {
                code.expect("return");
                statements.add(new Return(code.whole()));
            } else if (text.startsWith("if ")) {
                code.expect("if");
                Expression condition = code.expression();
                List<Statement> then = block(line.indent(), depth + 1);
                List<Statement> otherwise = List.of();
                boolean isElse =
                        next < lines.size()
                                && lines.get(next).indent() == line.indent()
                                && lines.get(next).text().equals("else:");
                if (isElse) {
                    next++;
                    otherwise = block(line.indent(), depth + 1);
                }
                statements.add(new If(condition, then, otherwise));
            } else if (text.startsWith("for ")) {
                code.expect("for");
                String variable = code.name();
                code.expect("in");
                Expression over = code.expression();
                statements.add(new For(variable, over, block(line.indent(), depth + 1)));
            } else if (text.startsWith("while ") || text.startsWith("with ")) {
                throw new Foreign("code with " + text.substring(0, text.indexOf(' ')));
            } else {
                statements.add(code.assignment());
            }
        }
    }

    /** A line, and how far it is read. */
    private static final class Text {

        private final String text;
        private int position;
        private int depth;

        private Text(String text) {
            this.text = text;
        }

        private void skip() {
            while (position < text.length() && text.charAt(position) == ' ') {
                position++;
            }
        }

        private boolean sees(String code) {
            skip();
            return text.startsWith(code, position);
        }

        private boolean takes(String code) {
            boolean isNext = sees(code);
            position += isNext ? code.length() : 0;
            return isNext;
        }

        private boolean takesWord(String word) {
            return sees(word) && !isLetter(position + word.length()) && takes(word);
        }

        private void expect(String code) throws Foreign {
            if (!takes(code)) {
                throw new Foreign("code that is not known");
            }
        }

        private boolean isLetter(int at) {
            if (at >= text.length()) {
                return false;
            }
            char c = text.charAt(at);
            return c == '_'
                    || (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9');
        }

        private String name() throws Foreign {
            skip();
            int start = position;
            while (isLetter(position)) {
                position++;
            }
            if (start == position) {
                throw new Foreign("code that is not known");
            }
            return text.substring(start, position);
        }

        /** {@code a, b, = value}, {@code a : type = value}, or a value that is left. */
        private Statement assignment() throws Foreign {
            int start = position;
            List<String> names = new ArrayList<>();
            skip();
            while (isLetter(position)) {
                names.add(name());
                takes(",");
                skip();
            }
            if (names.size() == 1 && takes(":")) {
                expression();
            }
            boolean isAssigned = !names.isEmpty() && !sees("==") && takes("=");
            if (isAssigned) {
                return new Assign(names, whole());
            }
            position = start;
            return new Assign(List.of(), whole());
        }

        /** The rest of the line. */
        private Expression whole() throws Foreign {
            Expression value = expression();
            skip();
            if (position < text.length()) {
                throw new Foreign("code that is not known");
            }
            return value;
        }

        private Expression expression() throws Foreign {
            if (++depth > DEEPEST) {
                throw new Foreign("code that is nested too deep");
            }
            Expression value = primary();
            if (takesWord("if")) {
                Expression condition = expression();
                if (!takesWord("else")) {
                    throw new Foreign("code that is not known");
                }
                value = new Choice(condition, value, expression());
            }
            depth--;
            return value;
        }

        private Expression primary() throws Foreign {
            Expression value = atom();
            while (true) {
                if (takes(".")) {
                    value = new Member(value, name());
                } else if (takes("[")) {
                    value = new Index(value, items("]"));
                } else if (takes("(")) {
                    value = call(value);
                } else {
                    return value;
                }
            }
        }

        private Expression atom() throws Foreign {
            skip();
            char c = text.charAt(position);
            if (c == '[' || c == '(') {
                position++;
                int start = position;
                List<Expression> items = items(c == '[' ? "]" : ")");
                boolean isTuple =
                        c == '[' || items.size() != 1 || endsInComma(text, start, position - 1);
                return isTuple ? new Items(items) : items.get(0);
            }
            if (c == '"' || c == '\'') {
                return new Literal(string(c));
            }
            if (c == '-' || (c >= '0' && c <= '9')) {
                return new Literal(number());
            }
            String name = name();
            return switch (name) {
                case "None" -> new Literal(null);
                case "True" -> new Literal(true);
                case "False" -> new Literal(false);
                default -> new Name(name);
            };
        }

        private static boolean endsInComma(String text, int start, int end) {
            return text.substring(start, end).stripTrailing().endsWith(",");
        }

        private List<Expression> items(String end) throws Foreign {
            List<Expression> items = new ArrayList<>();
            while (!takes(end)) {
                items.add(expression());
                if (!takes(",") && !sees(end)) {
                    throw new Foreign("code that is not known");
                }
            }
            return items;
        }

        private Expression call(Expression function) throws Foreign {
            List<Expression> arguments = new ArrayList<>();
            Map<String, Expression> named = new LinkedHashMap<>();
            while (!takes(")")) {
                Expression argument = expression();
                if (argument instanceof Name name && takes("=")) {
                    named.put(name.name(), expression());
                } else {
                    arguments.add(argument);
                }
                if (!takes(",") && !sees(")")) {
                    throw new Foreign("code that is not known");
                }
            }
            return new Call(function, arguments, named);
        }

        private String string(char quote) {
            StringBuilder value = new StringBuilder();
            for (position++; text.charAt(position) != quote; position++) {
                if (text.charAt(position) == '\\') {
                    position++;
                }
                value.append(text.charAt(position));
            }
            position++;
            return value.toString();
        }

        private Object number() {
            int start = position;
            while (position < text.length()
                    && ("+-.e".indexOf(text.charAt(position)) >= 0 || isLetter(position))) {
                position++;
            }
            String digits = text.substring(start, position);
            return digits.indexOf('.') < 0 && digits.indexOf('e') < 0
                    ? (Object) Long.valueOf(digits)
                    : (Object) Double.valueOf(digits);
        }
    }
}
