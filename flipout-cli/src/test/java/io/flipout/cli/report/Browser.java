package io.flipout.cli.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium and one page in it, spoken to by its DevTools protocol. */
final class Browser implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Process process;
    private final WebSocket socket;
    private final LinkedBlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();

    /** The addresses that the page asked for. */
    private final List<String> requests = new CopyOnWriteArrayList<>();

    /** What the page complained of. */
    private final List<String> complaints = new CopyOnWriteArrayList<>();

    private int calls;

    /** Finds Debian's or another Chromium. */
    static Optional<Path> find() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(
                        folder ->
                                Stream.of("chromium", "chromium-browser", "google-chrome")
                                        .map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    Browser(Path chromium, Path profile) throws Exception {
        process =
                new ProcessBuilder(
                                chromium.toString(),
                                "--headless",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-dev-shm-usage",
                                "--no-first-run",
                                "--remote-debugging-port=0",
                                "--user-data-dir=" + profile,
                                "about:blank")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy)); // Whatever comes.
        HttpClient client = HttpClient.newHttpClient();
        Path port = profile.resolve("DevToolsActivePort");
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!Files.exists(port) || Files.readAllLines(port).size() < 2) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new IOException(chromium + " does not start");
            }
            Thread.sleep(100);
        }
        String host = "127.0.0.1:" + Files.readAllLines(port).get(0);
        JsonNode pages = JSON.readTree(URI.create("http://" + host + "/json/list").toURL());
        String address = "";
        for (JsonNode page : pages) {
            if (page.path("type").asText().equals("page")) {
                address = page.path("webSocketDebuggerUrl").asText();
            }
        }
        socket =
                client.newWebSocketBuilder()
                        .buildAsync(URI.create(address), new Ear())
                        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        for (String domain : List.of("Page", "Network", "Log", "Runtime")) {
            call(domain + ".enable", Map.of());
        }
    }

    private final class Ear implements WebSocket.Listener {

        private final StringBuilder message = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            message.append(data);
            if (last) {
                try {
                    hear(JSON.readTree(message.toString()));
                } catch (IOException e) {
                    complaints.add(e.toString());
                }
                message.setLength(0);
            }
            webSocket.request(1);
            return null;
        }
    }

    private void hear(JsonNode message) {
        JsonNode parameters = message.path("params");
        String method = message.path("method").asText();
        switch (method) {
            case "" -> answers.add(message);
            case "Network.requestWillBeSent" ->
                    requests.add(parameters.at("/request/url").asText());
            case "Log.entryAdded" -> complaints.add(parameters.at("/entry/text").asText());
            case "Runtime.exceptionThrown" ->
                    complaints.add(parameters.at("/exceptionDetails/text").asText());
            case "Runtime.consoleAPICalled" -> complaints.add(parameters.path("args").toString());
            default -> events.add(method);
        }
    }

    JsonNode call(String method, Map<String, Object> parameters) throws Exception {
        int id = ++calls;
        socket.sendText(
                        JSON.writeValueAsString(
                                Map.of("id", id, "method", method, "params", parameters)),
                        true)
                .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        JsonNode answer = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (answer == null || answer.has("error") || answer.path("id").asInt() != id) {
            throw new IOException(method + ": " + answer);
        }
        return answer.path("result");
    }

    /** Opens a page at a width and waits until it is there. */
    void open(Path page, int width) throws Exception {
        call(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
        requests.clear();
        complaints.clear();
        events.clear();
        call("Page.navigate", Map.of("url", page.toUri().toString()));
        String event;
        do {
            event = events.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } while (event != null && !event.equals("Page.loadEventFired"));
        if (event == null) {
            throw new IOException(page + " does not load");
        }
    }

    /** Evaluates JavaScript, with the user's permission for everything, and waits for promises. */
    String evaluate(String script) throws Exception {
        JsonNode result =
                call(
                        "Runtime.evaluate",
                        Map.of(
                                "expression",
                                script,
                                "awaitPromise",
                                true,
                                "userGesture",
                                true,
                                "returnByValue",
                                true));
        if (result.has("exceptionDetails")) {
            throw new IOException(result.path("exceptionDetails").toString());
        }
        return result.at("/result/value").asText();
    }

    void screenshot(Path file) throws Exception {
        JsonNode picture = call("Page.captureScreenshot", Map.of("captureBeyondViewport", true));
        Files.write(file, Base64.getDecoder().decode(picture.path("data").asText()));
    }

    /** The addresses that the page asked for, besides itself and those that hold what they name. */
    List<String> foreignRequests(Path page) {
        return requests.stream()
                .filter(url -> !url.startsWith("data:") && !url.equals(page.toUri().toString()))
                .toList();
    }

    List<String> complaints() {
        return complaints;
    }

    @Override
    public void close() {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        process.onExit().orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }
}
