package io.flipout.inference.engine;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;

/**
 * Another engine of the class path, which stays unloaded until one of its arrays is needed:
 * starting PyTorch takes longer than most predictions.
 */
final class AlternativeEngine extends Engine {

    private final String name;

    AlternativeEngine(String name) {
        this.name = name;
    }

    private Engine started() {
        return getEngine(name);
    }

    @Override
    public Engine getAlternativeEngine() {
        return null;
    }

    @Override
    public String getEngineName() {
        return name;
    }

    @Override
    public int getRank() {
        return started().getRank();
    }

    @Override
    public String getVersion() {
        return started().getVersion();
    }

    @Override
    public boolean hasCapability(String capability) {
        return started().hasCapability(capability);
    }

    @Override
    public Model newModel(String modelName, Device device) {
        return started().newModel(modelName, device);
    }

    @Override
    public NDManager newBaseManager() {
        return newBaseManager(Device.cpu());
    }

    @Override
    public NDManager newBaseManager(Device device) {
        return manager(() -> started().newBaseManager(device));
    }

    /** A manager that is opened by the first call that needs it. */
    static NDManager manager(Supplier<NDManager> opener) {
        return (NDManager)
                Proxy.newProxyInstance(
                        NDManager.class.getClassLoader(),
                        new Class<?>[] {NDManager.class, Opened.class},
                        new Handler(opener));
    }

    /** Returns the manager itself: other engines cast what they are handed to their own. */
    static NDManager open(NDManager manager) {
        return manager instanceof Opened lazy ? lazy.opened() : manager;
    }

    /** A manager that stands for one that may not be open yet. */
    interface Opened {
        NDManager opened();
    }

    /** Opens the manager when it is needed. */
    private static final class Handler implements java.lang.reflect.InvocationHandler {

        private final Supplier<NDManager> opener;
        private NDManager manager; // null: not needed yet
        private boolean closed;

        Handler(Supplier<NDManager> opener) {
            this.opener = opener;
        }

        private synchronized NDManager manager() {
            if (closed) {
                throw new IllegalStateException("NDManager has been closed already.");
            }
            if (manager == null) {
                manager = opener.get();
            }
            return manager;
        }

        private synchronized void close() {
            closed = true;
            if (manager != null) {
                manager.close();
            }
        }

        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            if (method.getName().equals("close") && method.getParameterCount() == 0) {
                close();
                return null;
            }
            if (method.getDeclaringClass() == Opened.class) {
                return manager();
            }
            if (method.getDeclaringClass() == Object.class) {
                return switch (method.getName()) {
                    case "equals" -> proxy == arguments[0];
                    case "hashCode" -> System.identityHashCode(proxy);
                    default -> "an alternative manager";
                };
            }
            try {
                return method.invoke(manager(), arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }
    }
}
