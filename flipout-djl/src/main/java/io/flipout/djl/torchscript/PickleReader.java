package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Persistent;
import io.flipout.djl.torchscript.Pickle.Tuple;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads what TorchScript reads of Python's pickle: values, and no code. The values of {@link
 * Pickle} stand for objects; nothing is called.
 */
final class PickleReader {

    private final ByteBuffer in;
    private final Deque<List<Object>> marked = new ArrayDeque<>();
    private final Map<Integer, Object> memo = new HashMap<>();
    private List<Object> stack = new ArrayList<>();

    private PickleReader(byte[] bytes) {
        in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Reads a pickle.
     *
     * @throws IllegalArgumentException if it is none that TorchScript reads
     */
    static Object read(byte[] bytes) {
        try {
            return new PickleReader(bytes).read();
        } catch (BufferUnderflowException | IndexOutOfBoundsException | ClassCastException e) {
            throw new IllegalArgumentException("it ends too early or does not fit together", e);
        }
    }

    private Object read() {
        while (true) {
            int code = in.get() & 0xff;
            if (code == '.') {
                return pop();
            }
            step(code);
        }
    }

    private void step(int code) {
        switch (code) {
            case 0x80 -> in.get(); // The protocol.
            case 'c' -> push(new Global(line(), line()));
            case 'q' -> memo.put(in.get() & 0xff, top());
            case 'r' -> memo.put(in.getInt(), top());
            case 'h' -> recall(in.get() & 0xff);
            case 'j' -> recall(in.getInt());
            case '(' -> {
                marked.push(stack);
                stack = new ArrayList<>();
            }
            case ')' -> push(new Tuple(List.of()));
            case 't' -> push(new Tuple(sinceMark()));
            case 0x85, 0x86, 0x87 -> tuple(code - 0x84);
            case ']' -> push(new ArrayList<>());
            case 'l' -> push(sinceMark());
            case '}' -> push(new Dict(new ArrayList<>()));
            case 'd' -> push(new Dict(pairsSinceMark()));
            case 'a', 'e' -> append(code == 'e');
            case 's', 'u' -> setItems(code == 'u');
            case 0x81 -> {
                pop();
                push(new Instance((Global) pop()));
            }
            case 'b' -> {
                Object state = pop();
                ((Instance) top()).build(state);
            }
            case 'R' -> {
                Tuple arguments = (Tuple) pop();
                push(new Call((Global) pop(), arguments));
            }
            case 'Q' -> push(new Persistent((Tuple) pop()));
            default -> push(plain(code));
        }
    }

    private Object plain(int code) {
        return switch (code) {
            case 'N' -> null;
            case 0x88 -> true;
            case 0x89 -> false;
            case 'K' -> (long) (in.get() & 0xff);
            case 'M' -> (long) (in.getShort() & 0xffff);
            case 'J' -> (long) in.getInt();
            case 0x8a -> longInteger(in.get() & 0xff);
            case 'G' -> Double.longBitsToDouble(Long.reverseBytes(in.getLong()));
            case 'X', 'T' -> text(in.getInt());
            case 0x8c, 'U' -> text(in.get() & 0xff);
            default ->
                    throw new IllegalArgumentException(
                            "it has an opcode that TorchScript does not write, " + code);
        };
    }

    private long longInteger(int bytes) {
        if (bytes > Long.BYTES) {
            throw new IllegalArgumentException("it has a number of " + bytes + " bytes");
        }
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            long part = in.get();
            value |= (i == bytes - 1 ? part : part & 0xff) << (8 * i);
        }
        return value;
    }

    private void recall(int key) {
        if (!memo.containsKey(key)) {
            throw new IllegalArgumentException("it refers to what it does not hold");
        }
        push(memo.get(key));
    }

    /** The stack is looked up here, after what is pushed has been made from it. */
    private void push(Object value) {
        stack.add(value);
    }

    private Object top() {
        return stack.get(stack.size() - 1);
    }

    private Object pop() {
        return stack.remove(stack.size() - 1);
    }

    private List<Object> sinceMark() {
        if (marked.isEmpty()) {
            throw new IllegalArgumentException("it closes what it has not opened");
        }
        List<Object> items = stack;
        stack = marked.pop();
        return items;
    }

    private List<Object> pairsSinceMark() {
        List<Object> items = sinceMark();
        if (items.size() % 2 != 0) {
            throw new IllegalArgumentException("it has a name without a value");
        }
        return items;
    }

    private void tuple(int size) {
        List<Object> last = stack.subList(stack.size() - size, stack.size());
        Tuple tuple = new Tuple(new ArrayList<>(last));
        last.clear();
        push(tuple);
    }

    @SuppressWarnings("unchecked") // A list of anything.
    private void append(boolean several) {
        if (several) {
            List<Object> items = sinceMark();
            ((List<Object>) top()).addAll(items);
        } else {
            Object item = pop();
            ((List<Object>) top()).add(item);
        }
    }

    private void setItems(boolean several) {
        if (several) {
            List<Object> items = pairsSinceMark();
            ((Dict) top()).entries().addAll(items);
        } else {
            Object value = pop();
            Object key = pop();
            List<Object> entries = ((Dict) top()).entries();
            entries.add(key);
            entries.add(value);
        }
    }

    private String text(int length) {
        if (length < 0 || length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private String line() {
        int start = in.position();
        while (in.get() != '\n') {
            // Up to the end of the line.
        }
        return new String(in.array(), start, in.position() - 1 - start, StandardCharsets.UTF_8);
    }
}
