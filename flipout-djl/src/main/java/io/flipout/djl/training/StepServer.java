package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Parameter;
import ai.djl.training.LocalParameterServer;
import ai.djl.training.ParameterServer;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gathers the parameters that a trainer of DJL updates one by one, and hands them over as a step
 * when the last has come: the same updates, in far fewer operations.
 *
 * <p>Which the last is, DJL's parameter store knows, and keeps to itself, as the trainer does the
 * store. Where they cannot be reached, DJL's own way serves, parameter by parameter.
 */
public final class StepServer implements ParameterServer {

    private static final Logger logger = LoggerFactory.getLogger(StepServer.class);

    private final StepOptimizer optimizer;
    private final ParameterServer single;
    private final Trainer trainer;
    private final Map<?, ?> stored;
    private final Map<Object, Parameter> parameters = new HashMap<>();
    private final List<ParameterGradient> step = new ArrayList<>();
    private int arrived;
    private int expected;

    private StepServer(
            Trainer trainer, Map<?, ?> stored, StepOptimizer optimizer, ParameterServer single) {
        this.trainer = trainer;
        this.stored = stored;
        this.optimizer = optimizer;
        this.single = single;
    }

    /**
     * Lets a trainer update its parameters a step at a time, if its optimizer is a {@link
     * StepOptimizer}; if not, nothing changes.
     *
     * @param trainer the trainer, before its first step
     */
    public static void serve(Trainer trainer) {
        try {
            ParameterStore store = (ParameterStore) get(trainer, Trainer.class, "parameterStore");
            if (get(store, ParameterStore.class, "parameterServer")
                            instanceof LocalParameterServer single
                    && get(single, LocalParameterServer.class, "optimizer")
                            instanceof StepOptimizer optimizer) {
                Map<?, ?> stored = (Map<?, ?>) get(store, ParameterStore.class, "parameterMap");
                store.setParameterServer(
                        new StepServer(trainer, stored, optimizer, single), trainer.getDevices());
            }
        } catch (ReflectiveOperationException | RuntimeException e) {
            logger.debug("DJL's parameter store cannot be reached.", e);
        }
    }

    private static Object get(Object owner, Class<?> type, String name)
            throws ReflectiveOperationException {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(owner);
    }

    /** {@inheritDoc} */
    @Override
    public void init(String parameterId, NDArray[] values) {}

    /** {@inheritDoc} */
    @Override
    public void update(String parameterId, NDArray[] weights) {
        if (arrived == 0) {
            expected = expected();
        }
        if (expected == 0) {
            ParameterServer.super.update(parameterId, weights);
            return;
        }
        boolean goesOn = false;
        try {
            gather(parameterId, weights);
            if (++arrived == expected) {
                optimizer.step(List.copyOf(step));
            } else {
                goesOn = true;
            }
        } finally {
            if (!goesOn) {
                forget(); // Taken, or broken off by an exception: then none of it is taken.
            }
        }
    }

    private void gather(String parameterId, NDArray[] weights) {
        NDArray[] gradients = new NDArray[weights.length];
        for (int i = 0; i < weights.length; i++) {
            gradients[i] = weights[i].getGradient();
            step.add(new ParameterGradient(parameterId, weights[i], gradients[i]));
        }
        share(gradients);
    }

    /** Gives every device the sum of all. */
    private static void share(NDArray[] gradients) {
        for (int i = 1; i < gradients.length; i++) {
            try (NDArray here = copy(gradients[i], gradients[0])) {
                gradients[0].addi(here);
            }
        }
        for (int i = 1; i < gradients.length; i++) {
            try (NDArray there = copy(gradients[0], gradients[i])) {
                gradients[i].set(new NDIndex("..."), there);
            }
        }
    }

    private static NDArray copy(NDArray gradient, NDArray target) {
        return Transfers.copy(gradient, target.getDevice(), target.getManager());
    }

    private void forget() {
        step.forEach(each -> each.gradient().close());
        step.clear();
        arrived = 0;
    }

    /** Returns how many parameters the store will hand over; 0 if that cannot be told. */
    private int expected() {
        if (parameters.size() < stored.size()) {
            BlockPaths.parameters(trainer.getModel().getBlock())
                    .values()
                    .forEach(parameter -> parameters.put(parameter.getId(), parameter));
        }
        int count = 0;
        for (Object id : stored.keySet()) {
            Parameter parameter = parameters.get(id);
            if (parameter == null) {
                return 0;
            }
            count += parameter.requiresGradient() ? 1 : 0;
        }
        return count;
    }

    /** {@inheritDoc} */
    @Override
    public void update(String parameterId, NDArray[] gradients, NDArray[] weights) {
        single.update(parameterId, gradients, weights);
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        forget();
    }
}
