package io.flipout.djl.torchscript;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the opcodes that {@link PickleWriter} writes. Nothing is executed: classes and calls come
 * out as what they are, and every object takes at least a byte of the pickle.
 */
final class RecordPickle {

    private static final Object MARK = new Object();

    private final byte[] bytes;
    private final List<Object> stack = new ArrayList<>();
    private int position;

    private RecordPickle(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A class by its module and name. */
    record Global(String module, String name) {}

    /** A tuple, as other than a list it is not. */
    record Tuple(List<Object> items) {}

    /** A call of a class or function, not made. */
    record Call(Global function, List<Object> arguments) {}

    /** Something that lies outside of the pickle. */
    record Persistent(List<Object> id) {}

    /** An object of a class, with attributes (a map) or whatever else its state is. */
    static final class Instance {

        private final Global type;
        private Object state = Map.of();

        private Instance(Global type) {
            this.type = type;
        }

        Global type() {
            return type;
        }

        Object state() {
            return state;
        }
    }

    /** The bytes are no such pickle. */
    static final class Malformed extends Exception {

        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    /** Reads a pickle whole. */
    static Object read(byte[] bytes) throws Malformed {
        RecordPickle reader = new RecordPickle(bytes);
        try {
            return reader.read();
        } catch (IndexOutOfBoundsException | ClassCastException e) {
            throw new Malformed("its pickle is damaged");
        }
    }

    private Object read() throws Malformed {
        if (next() != 0x80 || next() != 2) {
            throw new Malformed("its pickle has another protocol");
        }
        for (int code = next(); code != '.'; code = next()) {
            step(code);
        }
        if (stack.size() != 1 || position != bytes.length) {
            throw new Malformed("its pickle is damaged");
        }
        return pop();
    }

    private void step(int code) throws Malformed {
        switch (code) {
            case 'c' -> push(new Global(line(), line()));
            case ')' -> push(new Tuple(List.of()));
            case '}' -> push(new LinkedHashMap<Object, Object>());
            case ']' -> push(new ArrayList<Object>());
            case '(' -> push(MARK);
            case 'X' -> push(text(Math.toIntExact(littleEndian(4) & 0xffff_ffffL)));
            case 'J' -> push((long) (int) littleEndian(4));
            case 0x8a -> {
                if (next() != 8) {
                    throw new Malformed("its pickle has a number of another length");
                }
                push(littleEndian(8));
            }
            case 0x88 -> push(true);
            case 0x89 -> push(false);
            case 't' -> push(new Tuple(toMark()));
            case 'Q' -> push(new Persistent(((Tuple) pop()).items()));
            case 0x81 -> {
                pop();
                push(new Instance((Global) pop()));
            }
            case 'R' -> {
                List<Object> arguments = ((Tuple) pop()).items();
                push(new Call((Global) pop(), arguments));
            }
            case 'b' -> {
                Object state = pop();
                ((Instance) top()).state = state;
            }
            case 'e' -> {
                List<Object> items = toMark();
                @SuppressWarnings("unchecked")
                List<Object> list = (List<Object>) top();
                list.addAll(items);
            }
            case 'u' -> {
                List<Object> items = toMark();
                @SuppressWarnings("unchecked")
                Map<Object, Object> map = (Map<Object, Object>) top();
                for (int i = 0; i < items.size(); i += 2) {
                    map.put((String) items.get(i), items.get(i + 1));
                }
            }
            default -> throw new Malformed("its pickle holds what this project does not write");
        }
    }

    private void push(Object object) {
        stack.add(object);
    }

    private Object pop() {
        return stack.remove(stack.size() - 1);
    }

    private Object top() {
        return stack.get(stack.size() - 1);
    }

    private List<Object> toMark() {
        int mark = stack.lastIndexOf(MARK);
        List<Object> rest = stack.subList(mark + 1, stack.size());
        List<Object> items = new ArrayList<>(rest);
        stack.subList(mark, stack.size()).clear();
        return items;
    }

    private int next() {
        return bytes[position++] & 0xff;
    }

    private long littleEndian(int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value |= (long) next() << (8 * i);
        }
        return value;
    }

    private String text(int length) {
        if (length > bytes.length - position) {
            throw new IndexOutOfBoundsException(length);
        }
        String text = new String(bytes, position, length, StandardCharsets.UTF_8);
        position += length;
        return text;
    }

    private String line() {
        int end = position;
        while (bytes[end] != '\n') {
            end++;
        }
        String line = text(end - position);
        position++;
        return line;
    }
}
