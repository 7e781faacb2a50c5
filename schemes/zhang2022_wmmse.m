% Weighted sum-rate of zhang2022: WMMSE beams, phases by projected gradient.
%
% Octave:  octave-cli --no-gui schemes/zhang2022_wmmse.m CHANNELS PARAMETERS SOLUTION
% MATLAB:  matlab -batch "channels='CHANNELS'; parameters='PARAMETERS'; solution='SOLUTION';
%                         addpath('schemes'); zhang2022_wmmse"
%
% Beams take some steps of WMMSE (Shi et al. 2011, "An iteratively weighted MMSE approach"), then
% phases some steps along the gradient of the sum-rate, each projected to modulus one and halved
% until the rate rises. For ensembles without a path between the surfaces and without blockage.

if exist('OCTAVE_VERSION', 'builtin')
  pkg('load', 'netcdf');
  given = argv();
  channels = given{1};
  parameters = given{2};
  solution = given{3};
end

rounds = 100;       % of beams and phases by turns
beam_steps = 10;    % per round
phase_steps = 10;   % per round
accuracy = 1e-4;    % relative rise of the rate that is worth another round

%% What is asked for
asked = jsondecode(fileread(parameters));
p = asked.parameters;
R = asked.sizes.realisation;
K = asked.sizes.beam;
M = asked.sizes.antenna;
N = p.elements;
weights = p.weights(:);
weights = weights(mod((0:K - 1)', numel(weights)) + 1);
snr = 10 ^ ((p.transmit_power - p.noise_power) / 10);

% A file has (realisation, user, irs1_element, part); ncread reverses that:
% (part, irs1_element, user, realisation), and part = 1 is real, part = 2 imaginary.
to_users = cell(1, 2);
from_station = cell(1, 2);
for i = 1:2
  raw = ncread(channels, sprintf('irs%d_to_users', i));
  raw = raw(:, 1:N, 1:K, :);
  to_users{i} = reshape(raw(1, :, :, :) + 1i * raw(2, :, :, :), [N, K, R]);
  raw = ncread(channels, sprintf('bs_to_irs%d', i));
  raw = raw(:, 1:M, 1:N, :);
  from_station{i} = reshape(raw(1, :, :, :) + 1i * raw(2, :, :, :), [M, N, R]);
end

beams = zeros(2, M, K, R);
reflection = zeros(2, 2 * N, R);
for r = 1:R
  % cascade(:, n, k): what antennas are heard with by user k over element n
  rows = p.amplitude * sqrt(snr) * [to_users{1}(:, :, r); to_users{2}(:, :, r)];
  station = [from_station{1}(:, :, r), from_station{2}(:, :, r)];
  cascade = zeros(M, 2 * N, K);
  for k = 1:K
    cascade(:, :, k) = station .* repmat(rows(:, k).', M, 1);
  end

  x = ones(2 * N, 1);
  H = zeros(K, M);
  for k = 1:K
    H(k, :) = (cascade(:, :, k) * x).';
  end
  W = H' / (H * H' + K * eye(K));            % column by user
  W = W / norm(W, 'fro');
  rate = 0;
  step = 1;
  for t = 1:rounds
    % WMMSE: receivers, weights, then beams. With all power used, the multiplier of the power is
    % what noise adds, and a common factor makes the power one.
    for b = 1:beam_steps
      S = H * W;
      total = sum(abs(S) .^ 2, 2) + 1;
      u = diag(S) ./ total;
      v = weights ./ (1 - abs(diag(S)) .^ 2 ./ total);
      lift = sum(v .* abs(u) .^ 2);
      % by the matrix inversion lemma, K x K instead of M x M
      G = diag(v .* abs(u) .^ 2) * (H * H') + lift * eye(K);
      W = H' * (G \ diag(v .* u));
      W = W / norm(W, 'fro');
    end

    % a(:, k, j): s(k, j) = x.' * a(:, k, j)
    a = zeros(2 * N, K, K);
    for k = 1:K
      a(:, k, :) = reshape(cascade(:, :, k).' * W, [2 * N, 1, K]);
    end
    flat = reshape(a, 2 * N, K * K);
    S = reshape(x.' * flat, K, K);
    total = sum(abs(S) .^ 2, 2) + 1;
    others = total - abs(diag(S)) .^ 2;
    value = sum(weights .* log2(total ./ others));
    for q = 1:phase_steps
      share = repmat(weights ./ total, 1, K) - repmat(weights ./ others, 1, K) .* (1 - eye(K));
      gradient = conj(flat) * reshape(share .* S, K * K, 1);
      gradient = gradient / max(abs(gradient));
      rises = false;
      while step > 1e-8
        trial = x + step * gradient;
        trial = trial ./ abs(trial);
        T = reshape(trial.' * flat, K, K);
        total = sum(abs(T) .^ 2, 2) + 1;
        others = total - abs(diag(T)) .^ 2;
        reached = sum(weights .* log2(total ./ others));
        if reached > value
          rises = true;
          break
        end
        step = step / 2;
      end
      if ~rises
        break
      end
      x = trial;
      S = T;
      value = reached;
      step = 2 * step;
    end
    step = max(step, 1e-3);
    for k = 1:K
      H(k, :) = (cascade(:, :, k) * x).';
    end
    if value < (1 + accuracy) * rate
      break
    end
    rate = value;
  end
  beams(1, :, :, r) = real(W);
  beams(2, :, :, r) = imag(W);
  reflection(1, :, r) = real(x);
  reflection(2, :, r) = imag(x);
end

%% Dimensions are named in the order of MATLAB, the reverse of the one that a file has
if exist(solution, 'file'), delete(solution); end
nccreate(solution, 'beams', 'Format', 'netcdf4', 'Datatype', 'double', ...
         'Dimensions', {'part', 2, 'antenna', M, 'beam', K, 'realisation', R});
nccreate(solution, 'reflection', 'Datatype', 'double', ...
         'Dimensions', {'part', 2, 'element', 2 * N, 'realisation', R});
ncwrite(solution, 'beams', beams);
ncwrite(solution, 'reflection', reflection);
ncwriteatt(solution, '/', 'problem', asked.problem);
