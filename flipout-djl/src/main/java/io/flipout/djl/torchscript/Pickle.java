package io.flipout.djl.torchscript;

import java.util.List;

/**
 * The values of a pickle that Java has no type for. Numbers, truths, texts, None as null, and lists
 * as {@link List} stand for themselves.
 */
final class Pickle {

    private Pickle() {}

    /** A class or function of the archive's code or of Python. */
    record Global(String module, String name) {

        String qualifiedName() {
            return module + "." + name;
        }
    }

    /** A tuple. */
    record Tuple(List<Object> items) {}

    /** A dictionary, as it was written: a key, its value, the next key... */
    record Dict(List<Object> entries) {}

    /** An object, such as a module, and the state it is built with. */
    static final class Instance {

        private final Global type;
        private Object state;

        Instance(Global type) {
            this.type = type;
        }

        Global type() {
            return type;
        }

        Object state() {
            return state;
        }

        void build(Object newState) {
            state = newState;
        }
    }

    /** What a function returns, such as a tensor. */
    record Call(Global function, Tuple arguments) {}

    /** What lies outside of the pickle, such as the storage of a tensor. */
    record Persistent(Tuple id) {}
}
