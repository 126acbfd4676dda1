package io.flipout.djl.kernel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.DeviceTensors;
import io.flipout.tensor.Update;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The tensors that take their steps together on each device, as long as they stay the same. */
public final class JoinedTensors implements AutoCloseable {

    private final Map<Device, DeviceTensors> byDevice = new HashMap<>();

    /** Creates the tensors of no device yet. */
    public JoinedTensors() {}

    /**
     * Begins a step of several tensors.
     *
     * @param step the tensors, float32 on one device, in block order
     * @return the step, which the caller closes
     */
    public DeviceStep begin(List<Update> step) {
        NDArray first = step.get(0).weight();
        DeviceTensors tensors = byDevice.get(first.getDevice());
        if (tensors == null || !tensors.isOf(step)) {
            if (tensors != null) {
                tensors.close();
            }
            tensors = new DeviceTensors(step, TorchKernels.of(first));
            byDevice.put(first.getDevice(), tensors);
        }
        return tensors.step(step);
    }

    /** The tensors leave their devices; the states that were joined stay the tensors' own. */
    @Override
    public void close() {
        byDevice.values().forEach(DeviceTensors::close);
        byDevice.clear();
    }
}
