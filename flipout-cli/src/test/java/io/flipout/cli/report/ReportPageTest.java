package io.flipout.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.PlannedRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The page as a reader has it, in Chromium. */
class ReportPageTest {

    @TempDir private static Path folder;

    @TempDir(cleanup = CleanupMode.NEVER) // Chromium writes into it until its last breath.
    private static Path profile;

    private static Browser browser;
    private static Path page;

    @BeforeAll
    static void openBrowser() throws Exception {
        assumeTrue(
                Browser.find().isPresent(),
                "The page was not tried in a browser: install chromium.");
        HandMade.comparison(folder);
        HandMade.weights(Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.99, "", 1)));
        page = new Report(folder).write().get(0);
        browser = new Browser(Browser.find().get(), profile);
        browser.call(
                "Browser.grantPermissions",
                Map.of("permissions", List.of("clipboardReadWrite", "clipboardSanitizedWrite")));
        browser.call("Emulation.setFocusEmulationEnabled", Map.of("enabled", true));
    }

    @AfterAll
    static void closeBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @Test
    void opensWithoutANetworkAndWithoutComplaint() throws Exception {
        browser.open(page, 1280);
        assertThat(browser.evaluate("document.querySelector('#accuracies').innerText"))
                .contains("75 %", "91.00 ± 1.41", "53.00 ± 4.24", "n = 1", "–")
                .doesNotContain("NaN", "published");
        assertThat(browser.evaluate("document.title")).contains("<b>data & co</b>");
        assertThat(browser.evaluate("document.querySelectorAll('h1 b').length")).isEqualTo("0");
        assertThat(browser.evaluate("[...document.images].filter(i => i.naturalWidth > 0).length"))
                .isEqualTo("4");
        assertThat(browser.foreignRequests(page)).isEmpty();
        assertThat(browser.complaints()).isEmpty();
        browser.screenshot(Path.of("target", "report-1280.png"));
    }

    @Test
    void copiesTheTable() throws Exception {
        browser.open(page, 1280);
        assertThat(copied("copy-markdown")).isEqualTo(ReportTest.MARKDOWN);
        assertThat(copied("copy-csv")).isEqualTo(ReportTest.CSV);
        assertThat(browser.complaints()).isEmpty();
    }

    private String copied(String button) throws Exception {
        return browser.evaluate(
                "(async () => {"
                        + " await navigator.clipboard.writeText('');"
                        + " document.getElementById('"
                        + button
                        + "').click();"
                        + " for (let i = 0; i < 100; i++) {"
                        + "   const text = await navigator.clipboard.readText();"
                        + "   if (text) return text;"
                        + "   await new Promise(r => setTimeout(r, 50));"
                        + " } })()");
    }

    @Test
    void fitsAPhone() throws Exception {
        browser.open(page, 400);
        assertThat(browser.evaluate("document.documentElement.scrollWidth"))
                .isEqualTo(browser.evaluate("document.documentElement.clientWidth"));
        assertThat(browser.complaints()).isEmpty();
        browser.screenshot(Path.of("target", "report-400.png"));
    }
}
