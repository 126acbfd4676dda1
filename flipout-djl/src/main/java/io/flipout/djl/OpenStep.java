package io.flipout.djl;

import io.flipout.tensor.TrainedTensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** The step that goes on, which is known by its updates: a tensor has one in each. */
final class OpenStep {

    private final Set<TrainedTensor> updated = Collections.newSetFromMap(new IdentityHashMap<>());
    private int expected;
    private boolean isAnnounced;

    /** Its batch has been seen. */
    void announce() {
        isAnnounced = true;
    }

    boolean isAnnounced() {
        return isAnnounced;
    }

    /** Its first update comes, of so many. */
    void begin(int updates) {
        expected = updates;
    }

    /** Tells whether nothing has been updated yet. */
    boolean isEmpty() {
        return updated.isEmpty();
    }

    /**
     * A tensor is updated.
     *
     * @return false if it has been in this step, and the next has begun
     */
    boolean add(TrainedTensor tensor) {
        return updated.add(tensor);
    }

    boolean isComplete() {
        return updated.size() == expected;
    }

    void end() {
        updated.clear();
        isAnnounced = false;
    }
}
