package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Dict;
import io.flipout.djl.torchscript.Pickle.Instance;
import io.flipout.djl.torchscript.Pickle.Persistent;
import io.flipout.djl.torchscript.Pickle.Tuple;
import io.flipout.djl.torchscript.StoredTensor.Storage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a file says of a module: the tensors that its submodules hold, and the class of each. A
 * submodule that rebuilds its state by code of its own does not tell its tensors.
 */
final class ModuleContents {

    /** More names than any network has; each level of shared modules can double them. */
    private static final int MOST_NAMES = 1 << 20;

    private static final int DEEPEST = 500;

    private final Object root;
    private final Map<String, Call> tensors = new LinkedHashMap<>();
    private final Map<String, String> classes = new LinkedHashMap<>();

    private ModuleContents(Object root) {
        this.root = root;
        if (root instanceof Instance module) {
            collect("", module, 0);
        }
    }

    /**
     * Looks at what a pickle holds.
     *
     * @param pickle the record data.pkl, as {@link PickleReader} reads it
     * @throws IllegalArgumentException if it is of no module
     */
    static ModuleContents of(Object pickle) {
        return new ModuleContents(pickle);
    }

    private void collect(String path, Instance module, int depth) {
        if (depth > DEEPEST || classes.size() + tensors.size() > MOST_NAMES) {
            throw new IllegalArgumentException("it has too many modules within modules");
        }
        classes.put(path, module.type().qualifiedName());
        if (!(module.state() instanceof Dict attributes)) {
            return;
        }
        List<Object> entries = attributes.entries();
        for (int i = 0; i < entries.size(); i += 2) {
            if (entries.get(i) instanceof String name) {
                Object value = entries.get(i + 1);
                if (value instanceof Instance child) {
                    collect(path + name + ".", child, depth + 1);
                } else if (value instanceof Call call && StoredTensor.of(call).isPresent()) {
                    tensors.put(path + name, call);
                }
            }
        }
    }

    /** Returns the module; empty if the pickle holds something else. */
    Optional<Instance> root() {
        return root instanceof Instance module ? Optional.of(module) : Optional.empty();
    }

    /** Returns the tensors by name; those of shared modules and tied ones have several. */
    Map<String, StoredTensor> tensors() {
        Map<String, StoredTensor> stored = new LinkedHashMap<>();
        tensors.forEach((name, call) -> stored.put(name, StoredTensor.of(call).orElseThrow()));
        return stored;
    }

    /** Returns, by each name of a tensor, the first name of the same numbers. */
    Map<String, String> firstNames() {
        Map<String, String> firsts = new LinkedHashMap<>();
        IdentityHashMap<Call, String> named = new IdentityHashMap<>();
        unify();
        tensors.forEach(
                (name, call) -> {
                    String first = named.putIfAbsent(call, name);
                    firsts.put(name, first == null ? name : first);
                });
        return firsts;
    }

    /** Returns the qualified name of the class of the submodule that holds a tensor. */
    Optional<String> owner(String tensor) {
        return Optional.ofNullable(classes.get(tensor.substring(0, tensor.lastIndexOf('.') + 1)));
    }

    /**
     * Writes the module anew, with one tensor where several are the same numbers. PyTorch then
     * makes one of them, which has one gradient, however many names it has.
     *
     * @return the pickle; empty if no tensor is there twice
     */
    Optional<byte[]> unified() {
        return unify() ? Optional.of(new PickleWriter().value(root).finish()) : Optional.empty();
    }

    private boolean unify() {
        IdentityHashMap<Call, Call> firsts = new IdentityHashMap<>();
        Set<Call> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Map<String, List<Call>> byRecord = new LinkedHashMap<>();
        for (Call call : tensors.values()) {
            if (!seen.add(call)) {
                continue; // One that PyTorch wrote once has its names already.
            }
            StoredTensor tensor = StoredTensor.of(call).orElseThrow();
            List<Call> others =
                    byRecord.computeIfAbsent(tensor.storage().key(), k -> new ArrayList<>());
            for (Call other : others) {
                if (tensor.isSame(StoredTensor.of(other).orElseThrow())) {
                    firsts.put(call, other);
                    break;
                }
            }
            if (!firsts.containsKey(call)) {
                others.add(call);
            }
        }
        replace(root, firsts, Collections.newSetFromMap(new IdentityHashMap<>()));
        tensors.replaceAll((name, call) -> firsts.getOrDefault(call, call));
        return !firsts.isEmpty();
    }

    /** Returns two tensors that are trained and share some numbers without being the same. */
    Optional<List<String>> overlap() {
        Map<String, Map<String, StoredTensor>> byRecord = new LinkedHashMap<>();
        Map<String, String> firsts = firstNames();
        for (Map.Entry<String, StoredTensor> entry : tensors().entrySet()) {
            String name = entry.getKey();
            StoredTensor tensor = entry.getValue();
            if (!tensor.requiresGradient() || !firsts.get(name).equals(name)) {
                continue;
            }
            Map<String, StoredTensor> others =
                    byRecord.computeIfAbsent(tensor.storage().key(), k -> new LinkedHashMap<>());
            for (Map.Entry<String, StoredTensor> other : others.entrySet()) {
                if (tensor.overlaps(other.getValue())) {
                    return Optional.of(List.of(other.getKey(), name));
                }
            }
            others.put(name, tensor);
        }
        return Optional.empty();
    }

    /** Puts other tensors in the place of some among the attributes of modules. */
    private static void replace(
            Object value, IdentityHashMap<Call, Call> others, Set<Object> seen) {
        if (value instanceof Instance module
                && seen.add(module)
                && module.state() instanceof Dict attributes) {
            List<Object> entries = attributes.entries();
            for (int i = 1; i < entries.size(); i += 2) {
                if (entries.get(i) instanceof Call call && others.containsKey(call)) {
                    entries.set(i, others.get(call));
                }
                replace(entries.get(i), others, seen);
            }
        }
    }

    /**
     * Returns the records that the pickle refers to by their names, and up to where in each its
     * tensors reach.
     */
    static Map<String, Used> records(Object pickle) {
        Map<String, Used> records = new HashMap<>();
        records(pickle, 0, Collections.newSetFromMap(new IdentityHashMap<>()), records);
        return records;
    }

    /**
     * A record of numbers as a pickle uses it.
     *
     * @param bytes how long it is
     * @param reach how much of that tensors look at
     */
    record Used(long bytes, long reach) {}

    private static void records(
            Object value, int depth, Set<Object> seen, Map<String, Used> found) {
        if (value == null || value instanceof String || value instanceof Number) {
            return;
        }
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("it is nested too deep");
        }
        if (!seen.add(value)) {
            return;
        }
        List<?> parts = List.of();
        if (value instanceof Instance instance) {
            records(instance.state(), depth + 1, seen, found);
        } else if (value instanceof Dict dict) {
            parts = dict.entries();
        } else if (value instanceof Tuple tuple) {
            parts = tuple.items();
        } else if (value instanceof List<?> list) {
            parts = list;
        } else if (value instanceof Persistent outside) {
            Storage storage = Storage.of(outside);
            add(storage, storage.length(), found); // Of a tensor of another kind.
        } else if (value instanceof Call call) {
            Optional<StoredTensor> tensor = StoredTensor.of(call);
            tensor.ifPresent(t -> add(t.storage(), t.reach(), found));
            parts = tensor.isPresent() ? List.of() : call.arguments().items();
        }
        for (Object part : parts) {
            records(part, depth + 1, seen, found);
        }
    }

    private static void add(Storage storage, long reach, Map<String, Used> found) {
        if (reach < 0 || reach > storage.length()) {
            throw new IllegalArgumentException(
                    "a tensor of it lies outside of its record " + storage.key());
        }
        Used used = new Used(storage.bytes(storage.length()), storage.bytes(reach));
        found.merge(
                storage.key(),
                used,
                (a, b) -> {
                    if (a.bytes() != b.bytes()) {
                        throw new IllegalArgumentException(
                                "it says two things of its record " + storage.key());
                    }
                    return new Used(a.bytes(), Math.max(a.reach(), b.reach()));
                });
    }
}
