package io.flipout.djl;

import ai.djl.Device;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of PyTorch's OpenMP spin between its operations, on the cores that pruning needs: on
 * a machine with other work, a training is then many times slower.
 */
final class PassiveWaiting {

    private static final Logger logger = LoggerFactory.getLogger(PassiveWaiting.class);

    private static final String VARIABLE = "OMP_WAIT_POLICY";

    private static final AtomicBoolean advised = new AtomicBoolean();

    private PassiveWaiting() {}

    /** Says once in a program how threads are made to wait, unless they are. */
    static void adviseOnce(Device device) {
        if (isAdvisable(device, System.getenv(), Runtime.getRuntime().availableProcessors())
                && advised.compareAndSet(false, true)) {
            logger.warn(
                    "{} is not set: PyTorch's threads spin while they wait, on the cores that"
                            + " pruning needs. Set {}=passive before the program starts; on a busy"
                            + " machine that is many times faster.",
                    VARIABLE,
                    VARIABLE);
        }
    }

    static boolean isAdvisable(Device device, Map<String, String> environment, int processors) {
        return Device.Type.CPU.equals(device.getDeviceType())
                && processors > 1
                && !environment.containsKey(VARIABLE)
                && !environment.containsKey("GOMP_SPINCOUNT")
                && !environment.containsKey("KMP_BLOCKTIME");
    }
}
