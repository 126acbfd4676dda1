package io.flipout.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DevicesTest {

    @Test
    void aGpuThatDjlDoesNotSeeIsToldFromNone() {
        assertThat(Devices.noGpu(false))
                .isEqualTo("no GPU can be used here; --device cpu trains without.");
        assertThat(Devices.noGpu(true))
                .startsWith("DJL sees none, though an NVIDIA driver is loaded: ")
                .contains("libcudart.so")
                .endsWith(" --device cpu trains without.");
    }
}
