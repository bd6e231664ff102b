// A firm's side of FIX sessions by QuickFIX/J, which shares no code with the service. It keeps its messages and numbers in files, as a firm does,
// so it may be killed at any moment and goes on where it was.
//
// Standard input: one command a line, its words separated by tabs; fields of a message are separated by SOH (0x01).
//   open S key=value...    opens the session S and connects, and connects again whenever the connection is lost; settings are those of QuickFIX/J,
//                          Password is that of the logon
//   send S 35=D...         sends a message, now or once the session is logged on; its number is used in either case
//   cut S                  drops the connection, without a logout
//   stop S                 logs out and connects no more; then it may be opened again
//   numbers S out in       sets the numbers of the next message in each direction
//
// Standard output: one JSON object a line: {"session", "event", ...}. Events: "logon", "logout", "stopped"; "received" and "admin" (a message of
// the service) and "sending" (a message of ours, also one of the session and one that is sent again), each with "text", the message.
// What is received is written before QuickFIX/J counts it: after a kill it may be written twice, with one number.

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import quickfix.Application;
import quickfix.DefaultMessageFactory;
import quickfix.FieldMap;
import quickfix.FileStoreFactory;
import quickfix.Log;
import quickfix.LogFactory;
import quickfix.Message;
import quickfix.Session;
import quickfix.SessionID;
import quickfix.SessionSettings;
import quickfix.SocketInitiator;
import quickfix.StringField;

public final class FixClient {
  private static final String SOH = "\u0001";
  /** Fields of the header that a message may bring along; all others of it are the session's own. */
  private static final Set<Integer> HEADER = Set.of(35, 43, 50, 57, 97, 115, 116, 122, 128, 129);
  private static final int PASSWORD = 554;

  private static final PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, StandardCharsets.ISO_8859_1);
  private static final Map<String, Client> clients = new ConcurrentHashMap<>();

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder(text.length() + 64).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') json.append('\\').append(c);
      else if (c < ' ' || c > '~') json.append(String.format("\\u%04x", (int) c));
      else json.append(c);
    }
    return json.append('"').toString();
  }

  private static void say(String session, String event, String text) {
    String line = "{\"session\":" + quoted(session) + ",\"event\":\"" + event + "\"" + (text == null ? "" : ",\"text\":" + quoted(text)) + "}\n";
    synchronized (out) {
      out.print(line);
      out.flush();
    }
  }

  private record Client(String name, SocketInitiator initiator, SessionID id) {
    Session session() {
      return Session.lookupSession(id);
    }
  }

  private record Firm(String name, String password) implements Application {
    @Override
    public void onCreate(SessionID id) {}

    @Override
    public void onLogon(SessionID id) {
      say(name, "logon", null);
    }

    @Override
    public void onLogout(SessionID id) {
      say(name, "logout", null);
    }

    @Override
    public void toAdmin(Message message, SessionID id) {
      if (password != null && "A".equals(typeOf(message))) message.setString(PASSWORD, password);
      say(name, "sending", message.toString());
    }

    @Override
    public void toApp(Message message, SessionID id) {
      say(name, "sending", message.toString());
    }

    @Override
    public void fromAdmin(Message message, SessionID id) {
      say(name, "admin", message.toString());
    }

    @Override
    public void fromApp(Message message, SessionID id) {
      say(name, "received", message.toString());
    }
  }

  /** What QuickFIX/J does, for a person: on standard error. */
  private record Notes(String name) implements Log {
    @Override
    public void clear() {}

    @Override
    public void onIncoming(String message) {}

    @Override
    public void onOutgoing(String message) {}

    @Override
    public void onEvent(String text) {
      System.err.println(name + ": " + text);
    }

    @Override
    public void onErrorEvent(String text) {
      System.err.println(name + ": error: " + text);
    }
  }

  private static String typeOf(Message message) {
    try {
      return message.getHeader().getString(35);
    } catch (quickfix.FieldNotFound e) {
      return "";
    }
  }

  /** QuickFIX/J's own dictionary, with the one value that the service uses beyond it: ExecType L, triggered, is of a later FIX. */
  private static String dictionary(Path dir) throws Exception {
    String known = "<value enum=\"I\" description=\"ORDER_STATUS\"/>";
    Path file = dir.resolve("FIX44.xml");
    try (InputStream stock = FixClient.class.getResourceAsStream("/FIX44.xml")) {
      String text = new String(stock.readAllBytes(), StandardCharsets.UTF_8);
      if (!text.contains(known)) throw new IllegalStateException("FIX44.xml has no ExecType I");
      Files.createDirectories(dir);
      Files.writeString(file, text.replace(known, known + "<value enum=\"L\" description=\"TRIGGERED\"/>"));
    }
    return file.toString();
  }

  private static void open(String name, List<String> words) throws Exception {
    SessionSettings settings = new SessionSettings();
    Map<String, String> given = new java.util.HashMap<>();
    for (String word : words) given.put(word.substring(0, word.indexOf('=')), word.substring(word.indexOf('=') + 1));
    SessionID id = new SessionID("FIX.4.4", given.get("SenderCompID"), given.get("TargetCompID"));
    settings.setString("ConnectionType", "initiator");
    settings.setString(id, "BeginString", "FIX.4.4");
    settings.setString(id, "NonStopSession", "Y");
    settings.setString(id, "HeartBtInt", "30");
    settings.setString(id, "ReconnectInterval", "1");
    settings.setString(id, "SocketTcpNoDelay", "Y");
    settings.setString(id, "DataDictionary", dictionary(Path.of(given.get("FileStorePath"))));
    for (Map.Entry<String, String> one : given.entrySet())
      if (!one.getKey().equals("Password")) settings.setString(id, one.getKey(), one.getValue());
    LogFactory notes = ignored -> new Notes(name);
    SocketInitiator initiator = new SocketInitiator(new Firm(name, given.get("Password")), new FileStoreFactory(settings), settings, notes, new DefaultMessageFactory());
    clients.put(name, new Client(name, initiator, id));
    initiator.start();
  }

  private static Message messageOf(String text) {
    Message message = new Message();
    for (String field : text.split(SOH)) {
      int at = field.indexOf('=');
      int tag = Integer.parseInt(field.substring(0, at));
      FieldMap part = HEADER.contains(tag) ? message.getHeader() : message;
      part.setField(new StringField(tag, field.substring(at + 1)));
    }
    return message;
  }

  private static void stop(Client client) {
    client.initiator().stop(false);
    clients.remove(client.name());
    say(client.name(), "stopped", null);
  }

  private static void carryOut(String[] words) throws Exception {
    String name = words[1];
    if (words[0].equals("open")) {
      open(name, Arrays.asList(words).subList(2, words.length));
      return;
    }
    Client client = clients.get(name);
    if (client == null) throw new IllegalStateException("the session " + name + " is not open");
    switch (words[0]) {
      case "send" -> client.session().send(messageOf(words[2]));
      case "cut" -> client.session().disconnect("the firm cut the connection", false);
      case "stop" -> stop(client);
      case "numbers" -> {
        client.session().setNextSenderMsgSeqNum(Integer.parseInt(words[2]));
        client.session().setNextTargetMsgSeqNum(Integer.parseInt(words[3]));
      }
      default -> throw new IllegalArgumentException("no command: " + words[0]);
    }
  }

  /** A command that fails ends the process: whoever drives it made a mistake. The end of the input is the end of the process. */
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.ISO_8859_1));
    try {
      for (String line = in.readLine(); line != null; line = in.readLine()) carryOut(line.split("\t"));
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
    for (Client client : List.copyOf(clients.values())) stop(client);
    System.exit(0);
  }
}
